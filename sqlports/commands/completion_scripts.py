"""The scripts that `sqlports completion` prints. Each asks sqlports what could stand at the cursor, and hands it to its shell.

None runs what is typed at the line's beginning: that may be a file of somebody else's.
"""

BASH = r"""# sqlports' completion for bash.
#
# For this user:   mkdir -p ~/.local/share/bash-completion/completions
#                  sqlports completion bash > ~/.local/share/bash-completion/completions/sqlports
# For all users:   sqlports completion bash > /usr/share/bash-completion/completions/sqlports
# Without the package bash-completion, in ~/.bashrc:
#                  eval "$(sqlports completion bash)"

_sqlports() {
    local word doc kind
    COMPREPLY=()
    while IFS=$'\t' read -r word doc; do
        case $word in
            :files|:directories)
                compopt -o filenames
                [ "$word" = :files ] && kind=-f || kind=-d
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$kind" -- "${2#=}") ;;
            *=) compopt -o nospace; COMPREPLY+=("$word") ;;
            *) COMPREPLY+=("$word") ;;
        esac
    done < <(printf '%s\0' "${COMP_WORDS[@]:1:COMP_CWORD}" |
        SQLPORTS_CONFIG= command sqlports completion words bash 2>/dev/null)
}
complete -F _sqlports sqlports
"""

ZSH = r"""#compdef sqlports
# sqlports' completion for zsh.
#
# In a directory of $fpath, by the name _sqlports:
#                  mkdir -p ~/.zfunc && sqlports completion zsh > ~/.zfunc/_sqlports
#                  and in ~/.zshrc: fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit
# For all users:   sqlports completion zsh > /usr/local/share/zsh/site-functions/_sqlports
# Or in ~/.zshrc, behind compinit:
#                  eval "$(sqlports completion zsh)"

_sqlports() {
    local line word
    local -a described open expl
    for line in "${(@f)$(printf '%s\0' "${(@)words[2,CURRENT-1]}" "$PREFIX" |
        SQLPORTS_CONFIG= command sqlports completion words zsh 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        case $word in
            '') ;;
            :files) compset -P '--*='; _files ;;
            :directories) compset -P '--*='; _wanted directories expl directory _path_files -/; return ;;
            *=) open+=("${word//:/\\:}:${line#*$'\t'}") ;;
            *) described+=("${word//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( $#open )) && _describe sqlports open -S ''
    (( $#described )) && _describe sqlports described
}

if [ "$funcstack[1]" = _sqlports ]; then
    _sqlports "$@"
else
    compdef _sqlports sqlports
fi
"""

FISH = r"""# sqlports' completion for fish.
#
# For this user:   mkdir -p ~/.config/fish/completions
#                  sqlports completion fish > ~/.config/fish/completions/sqlports.fish
# For all users:   sqlports completion fish > /usr/share/fish/vendor_completions.d/sqlports.fish

function __sqlports_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    for line in (printf '%s\0' $words[2..-1] "$token" | SQLPORTS_CONFIG= command sqlports completion words fish 2>/dev/null)
        switch $line
            case ':files*'
                __fish_complete_path "$token"
            case ':directories*'
                __fish_complete_directories "$token"
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c sqlports -f -a '(__sqlports_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
