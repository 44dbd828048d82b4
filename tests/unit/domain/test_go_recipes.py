from bot.domain.go_recipes import GO_SUM, MAX_FOUND, Setting, settings


def test_lines_that_decide_where_modules_come_from_are_found() -> None:
    files = {
        "Dockerfile": b'FROM golang\nENV GOSUMDB=off GOFLAGS="-mod=mod -x"\n# ENV GONOSUMDB=*\nRUN rm -rf go.sum\n',
        ".github/workflows/ci.yml": b"env:\n  GOPRIVATE: '*'\n  MYGOSUMDB: off\n  GOPROXY : https://proxy.example\n",
        "Makefile": b"build:\n\tGONOSUMDB=* go build; go mod tidy\n",
    }

    assert settings(files) == (
        Setting(".github/workflows/ci.yml:2", "GOPRIVATE", "*"),
        Setting(".github/workflows/ci.yml:4", "GOPROXY", "https://proxy.example"),
        Setting("Dockerfile:2", "GOSUMDB", "off"),
        Setting("Dockerfile:2", "GOFLAGS", "-mod=mod -x"),
        Setting("Dockerfile:4", GO_SUM, "RUN rm -rf go.sum"),
        Setting("Makefile:2", "GONOSUMDB", "*"),
    )


def test_what_is_found_is_bounded() -> None:
    assert len(settings({"a.sh": b"GOSUMDB=off\n" * 1_000})) == MAX_FOUND
    assert settings({"a.sh": b"GOSUMDB=off" + b" " * 3_000, "b.sh": b"\xff\x00"}) == ()
