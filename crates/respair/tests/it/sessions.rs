//! `respair sessions`, and conversations that go on.

use serde_json::Value;

use crate::bin::*;

fn listed(home: &Home) -> Vec<Value> {
    let list = home.run(&["sessions", "list", "--json"]).exits(0).out;
    let lines = list.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn conversations_are_listed_shown_exported_and_deleted() {
    let relay = relay("reasoning");
    let home = Home::seed("custom", &relay);
    home.run(&["sessions", "list"])
        .exits(0)
        .says("no conversation was kept yet");
    home.run(&["sessions", "show"])
        .exits(1)
        .says("there is no session yet");
    home.run(&["run", "--session", "new", "Say hello."])
        .exits(0);
    home.run(&["run", "--session", "last", "And again."])
        .exits(0);
    home.run(&["run", "--session", "new", "Something else."])
        .exits(0);
    let list = listed(&home);
    assert_eq!(list.len(), 2);
    let title = |at: usize| list[at]["title"].as_str().unwrap().to_owned();
    let hello = list
        .iter()
        .position(|s| s["title"] == "Say hello.")
        .unwrap();
    assert_eq!(list[hello]["turns"], 2);
    assert_eq!(title(1 - hello), "Something else.");
    let id = list[hello]["id"].as_str().unwrap();
    let shown = home.run(&["sessions", "show", id]).exits(0).out;
    for piece in [
        "# Say hello.\n\n## You\n\nSay hello.\n",
        "## Reasoning\n\n> Thinking about it.\n",
        "## Answer\n\nHello from the relay.\n",
        "## You\n\nAnd again.\n",
    ] {
        assert!(shown.contains(piece), "no {piece:?} in\n{shown}");
    }
    let json = home
        .run(&["sessions", "export", id, "--format", "json"])
        .exits(0)
        .out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["id"], id);
    assert_eq!(json["entries"][0]["data"]["role"], "user");
    home.run(&["sessions", "delete", "nothing"])
        .exits(1)
        .says("there is no session `nothing`")
        .says("`respair sessions list` shows them");
    let day = &id[..8];
    home.run(&["sessions", "delete", day])
        .exits(1)
        .says("several sessions begin with");
    home.run(&["sessions", "delete", id]).exits(0);
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn an_export_goes_to_a_file() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "--session", "new", "Say hello."])
        .exits(0);
    home.run(&["sessions", "export", "-o", "talk.md"]).exits(0);
    let file = home.path("talk.md");
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("Hello from the relay.")
    );
    home.run(&["sessions", "export", "-o", "no/such/place.md"])
        .exits(1)
        .says("place.md: ");
}
