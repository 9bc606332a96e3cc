//! The state directory, in whatever condition; `endpoints`.

use crate::bin::{Home, relay};

const FILE: &str = ".local/state/respair/endpoints.json";

#[test]
fn a_bad_state_is_one_notice() {
    for bytes in [
        &b"{"[..],
        b"",
        b"\0\0\0",
        b"{\"schema\": 99, \"endpoints\": []}",
        b"[1, 2]",
    ] {
        let relay = relay("no-created");
        let home = Home::seed("custom", &relay);
        home.write(FILE, bytes);
        let done = home.run(&["run", "hi"]).exits(0).says("endpoints.json");
        assert_eq!(
            done.err.matches("endpoints.json").count(),
            1,
            "{}",
            done.err
        );
    }
}

#[cfg(unix)]
#[test]
fn a_state_directory_that_cannot_be_made_is_one_notice() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    // A file stands where the directory should be: this fails for root too.
    let state = home.write("state", b"");
    let done = home
        .run(&["run", "hi", "--state-dir", state.to_str().unwrap()])
        .exits(0);
    assert_eq!(
        done.err.matches("endpoints.json").count(),
        1,
        "{}",
        done.err
    );
}

#[cfg(unix)]
#[test]
fn what_is_learnt_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "hi"]).exits(0);
    assert_eq!(
        std::fs::metadata(home.path(FILE))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn list_and_forget() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    home.run(&["endpoints", "list"])
        .exits(0)
        .says("nothing was learnt");
    home.run(&["run", "hi"]).exits(0);
    let listed = home.run(&["endpoints", "list"]).exits(0).out;
    assert!(
        listed.starts_with(&format!(
            "{}/v1  gpt-5.4  created-missing",
            relay.base_url()
        )),
        "{listed}"
    );
    let json = home.run(&["endpoints", "list", "--json"]).exits(0).out;
    let entry: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(entry["model"], "gpt-5.4");

    assert_eq!(
        home.run(&["endpoints", "forget"]).exits(0).out,
        "forgotten: 1 entry\n"
    );
    assert_eq!(home.run(&["endpoints", "list"]).exits(0).out, "");
    home.run(&["run", "hi"]).exits(0).says("2 requests");
    let url = format!("{}/v1/responses", relay.base_url());
    assert_eq!(
        home.run(&["endpoints", "forget", &url]).exits(0).out,
        "forgotten: 1 entry\n"
    );
    home.run(&["run", "hi"]).exits(0);
    assert_eq!(
        home.run(&["endpoints", "forget", "--all"]).exits(0).out,
        "forgotten: 1 entry\n"
    );
    assert_eq!(
        home.run(&["endpoints", "forget", "--all"]).exits(0).out,
        "nothing was remembered there\n"
    );
    home.run(&["endpoints", "forget", "nonsense"]).exits(2);
}
