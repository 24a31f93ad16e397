"""mask_secrets and is_secret_name: no secret is shown, none is made up, and no text takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sqlports import Engine
from sqlports.functions.secrets import is_secret_name, mask_secrets

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("serve --password=hunter2 -v", "serve --password=**** -v"),
        ("serve --password hunter2 -v", "serve --password **** -v"),
        ("serve --api-key 'two words' -v", "serve --api-key '****' -v"),
        ("java -Djavax.net.ssl.keyStorePassword=changeit X", "java -Djavax.net.ssl.keyStorePassword=**** X"),
        ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=**** psql -h db"),
        ("psql host=db password=hunter2 user=ann", "psql host=db password=**** user=ann"),
        ("psql postgres://ann:hun/ter2@db/x", "psql postgres://ann:****@db/x"),
        ("wget https://ann:hunter2@host/a@2x.png", "wget https://ann:****@host/a@2x.png"),
        ("redis://:hunter2@cache:6379", "redis://:****@cache:6379"),
        ("mysql -uroot -phunter2 shop", "mysql -uroot -p**** shop"),
        ("/usr/bin/mariadb-dump -phunter2 shop", "/usr/bin/mariadb-dump -p**** shop"),
        ("sshpass -p hunter2 ssh host", "sshpass -p **** ssh host"),
        ("sshpass -phunter2 ssh host", "sshpass -p**** ssh host"),
        ("curl -u ann:hunter2 http://host", "curl -u ann:**** http://host"),
        ("curl -sku ann:hunter2 http://host", "curl -sku ann:**** http://host"),
        ("curl --user ann:hunter2 http://host", "curl --user ann:**** http://host"),
        ("curl -H Authorization: Bearer abc.def http://host", "curl -H Authorization: Bearer **** http://host"),
        ("curl -H X-Api-Key: abcdef http://host", "curl -H X-Api-Key: **** http://host"),
        ('curl -d {"user":"ann","password":"a b","n":1}', 'curl -d {"user":"ann","password":"****","n":1}'),
        ("docker login -u ann -p hunter2 host", "docker login -u ann -p **** host"),
        ("redis-cli -a hunter2 ping", "redis-cli -a **** ping"),
        ("smbclient -U ann%hunter2 //host/x", "smbclient -U ann%**** //host/x"),
        ("openssl enc -passin pass:hunter2", "openssl enc -passin pass:****"),
        ("AKIAIOSFODNN7EXAMPLE", "****"),
        (f"git clone https://{GITHUB}@github.com/x", "git clone https://****@github.com/x"),
        ("notify xoxb-123456789012-abcdefghij now", "notify **** now"),
        (f"call {JWT} now", "call **** now"),
        ("key -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- end", "key **** end"),
        ("key -----BEGIN PRIVATE KEY-----\nMII and no end", "key ****"),
        ("a --token=x --secret=y b", "a --token=**** --secret=**** b"),
    ],
)
def test_a_secret_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown
    # What is masked has no secret any more.
    assert mask_secrets(shown) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls -l /home/ann",
        "serve --password= --verbose",
        "serve --password --verbose",
        "serve --password-file=/run/x",
        "serve --password-stdin",
        "serve --password ****",
        "serve --password $PASSWORD",
        "serve --password=${PASSWORD:-none}",
        "serve --password=<password>",
        "serve --tls-private-key /etc/ssl/key.pem",
        "ansible --private-key=~/.ssh/id_ed25519",
        "docker build --secret id=npm,src=.npmrc .",
        "mysqld --caching-sha2-password-auto-generate-rsa-keys=ON --validate-password=FORCE",
        "systemd-run -p LoadCredential=name:/run/x true",
        "sshd -o PasswordAuthentication=no",
        "chrome --password-store=basic --service-request-channel-token=12345",
        "python -m transformers --max-tokens 100",
        "TOKENIZERS_PARALLELISM=false",
        "PWD=/home/ann",
        "OLDPWD=/home/ann",
        "SSH_AUTH_SOCK=/run/user/1000/ssh",
        "mysql -p shop",
        "mysqld -pid",
        "docker run --name mysql -p3306:3306 mysql",
        "docker run -p 8080:80 nginx",
        "mkdir -p /opt/x",
        "curl -u ann http://host",
        "curl http://host:8080/a@b",
        "curl http://[::1]:80/a@b",
        "psql postgres://ann@db/x",
        "psql postgres://ann:$PASSWORD@db/x",
        "passwd ann",
        "/bin/login -p --",
        "docker pull host/vault-token:1.2",
        "-----BEGIN PUBLIC KEY----- MII -----END PUBLIC KEY-----",
        "git checkout skeleton-eyJ.x",
    ],
)
def test_what_is_no_secret_gives_null(text: str) -> None:
    assert mask_secrets(text) is None


@pytest.mark.parametrize("value", [None, 1, 1.5, b"--password=x"])
def test_what_is_no_text_gives_null(value: Any) -> None:
    assert mask_secrets(value) is None
    assert is_secret_name(value) is None


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["serve", "--password", "two words", "-v"], ["serve", "--password", "****", "-v"]),
        (["serve", "--password=two words", "-v"], ["serve", "--password=****", "-v"]),
        (["curl", "-H", "Authorization: Bearer abc", "x"], ["curl", "-H", "Authorization: Bearer ****", "x"]),
        (["curl", "-u", "ann:two words", "x"], ["curl", "-u", "ann:****", "x"]),
        (["sshpass", "-p", "two words", "ssh"], ["sshpass", "-p", "****", "ssh"]),
        (["sh", "-c", "X=$Y mysql -phunter2"], ["sh", "-c", "X=$Y mysql -p****"]),
        (["a", "-----BEGIN PRIVATE KEY-----\nMII", "é"], ["a", "****", "é"]),
    ],
)
def test_an_array_of_arguments_is_masked_argument_by_argument(arguments: list[str], shown: list[str]) -> None:
    masked = mask_secrets(json.dumps(arguments))
    assert masked is not None
    assert json.loads(masked) == shown


def test_half_a_surrogate_pair_does_no_harm(live: Engine) -> None:
    [row] = live.query("SELECT mask_secrets(?) AS text", ('["\\ud800", "--password=x", "é"]',))
    assert row["text"] == '["\\ud800", "--password=****", "é"]'


def test_what_only_begins_like_an_array_is_a_text() -> None:
    assert mask_secrets('["a", --password=x') == '["a", --password=****'
    assert mask_secrets("[" * 100000) is None
    assert mask_secrets("[1, 2]") is None


def test_the_length_of_a_secret_is_not_told() -> None:
    assert {mask_secrets("--password=" + "x1" * length) for length in (1, 7, 5000)} == {"--password=****"}


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY", "CREDENTIALS", "ACCESS_KEY"),
        *("AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "SSHPASS", "DB_PASSWORD_2", "PASSWORD2"),
        *("apiKey", "ansible.authToken", "x-api-key", "SECRET_KEY_BASE", "GITHUB_TOKEN", "--passphrase"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "SSH_AUTH_SOCK", "PWD", "OLDPWD", "INIT_PWD", "GPG_TTY", "TOKENIZERS_PARALLELISM", "MAX_TOKENS"),
        *("DB_PASSWORD_FILE", "TOKEN_URL", "SSH_ASKPASS", "AWS_ACCESS_KEY_ID", "PUBLIC_KEY", "KEYBOARD", "COMPASS"),
        *("CREDENTIALS_DIRECTORY", "GOOGLE_APPLICATION_CREDENTIALS", "XDG_ACTIVATION_TOKEN"),
        *("PASSWORD_STORE_DIR", "NO_PASSWORD", "KEY", "1"),
        *("=", "", "\n"),
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert is_secret_name(name) == 0


@pytest.mark.parametrize(
    "piece",
    [
        *("password=", "password=$", 'password="', 'password="\\', "password: $x ", "--password ", "password='a'b "),
        *("://", "a://b:c", "://a:$b@", "eyJ", "eyJabcdefghij", "-----BEGIN PRIVATE KEY-----", "authorization: ", "bearer $ "),
        *(
            "mysql -p",
            "sshpass -p x ",
            'sshpass -p "x',
            "sshpass -p $",
            "curl -u a ",
            "curl -u a:$ ",
            'curl -u "a"b ',
            "docker login ",
        ),
        *("a=", "-", "_", "aB", " \t", "\0", "[", "ghp_", "xoxb-"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.usefixtures("endless")
def test_no_text_takes_longer_than_its_length(piece: str, apart: bool) -> None:
    text = piece * (400_000 // len(piece))
    mask_secrets(json.dumps([text]) if apart else text)


def test_sql_has_them(live: Engine) -> None:
    [row] = live.query(
        "SELECT mask_secrets('a --token=x') AS text, mask_secrets('a') AS none, is_secret_name('API_KEY') AS name"
    )
    assert row == {"text": "a --token=****", "none": None, "name": 1}
