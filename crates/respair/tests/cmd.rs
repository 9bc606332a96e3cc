//! What a person reads: screens and messages, word for word (`tests/cmd/*.trycmd`, and those of the guides).

#[test]
fn screens() {
    trycmd::TestCases::new()
        .env("HOME", "/home/you")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .env("XDG_CONFIG_HOME", "")
        .env("XDG_STATE_HOME", "")
        .env("RESPAIR_CONFIG", "")
        .env("RESPAIR_BASE_URL", "")
        .env("RESPAIR_MODEL", "")
        .env("RESPAIR_API_KEY", "")
        .env("RESPAIR_RECOVERY", "")
        .env("RESPAIR_STATE_DIR", "")
        .env("RELAY_KEY", "sk-test-secret")
        .env("HTTP_PROXY", "nonsense")
        .case("tests/cmd/*.trycmd")
        .case("../../docs/GATEWAY.md");
}
