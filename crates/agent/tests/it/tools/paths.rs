//! Where a path leads, and where none may.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;

#[tokio::test]
async fn what_leads_outside_has_to_be_asked_for() {
    let bench = Bench::with(|settings| {
        let root = settings.cwd.parent().unwrap().to_owned();
        settings.allowed = vec![root.join("allowed")];
    });
    let root = bench.work.parent().unwrap().to_owned();
    std::fs::create_dir_all(root.join("out/dir")).unwrap();
    std::fs::create_dir_all(root.join("allowed")).unwrap();
    std::fs::create_dir_all(bench.work.join("sub")).unwrap();
    symlink("../out", bench.work.join("link")).unwrap();
    symlink("../out/new", bench.work.join("dangling")).unwrap();
    symlink(root.join("out/dir"), bench.work.join("sub/deep")).unwrap();
    symlink("loop2", bench.work.join("loop1")).unwrap();
    symlink("loop1", bench.work.join("loop2")).unwrap();
    symlink("sub", bench.work.join("within")).unwrap();
    let (work, out) = (bench.work.display(), root.join("out").display().to_string());
    for (path, subject, outside) in [
        ("a.txt", "a.txt".to_owned(), false),
        ("./sub/../a.txt", "a.txt".to_owned(), false),
        ("new/dir/a.txt", "new/dir/a.txt".to_owned(), false),
        ("within/a.txt", "sub/a.txt".to_owned(), false),
        (&format!("{work}/a.txt"), "a.txt".to_owned(), false),
        (
            "../allowed/x",
            root.join("allowed/x").display().to_string(),
            false,
        ),
        ("../out/x", format!("{out}/x"), true),
        ("link/x", format!("{out}/x"), true),
        ("link/new/dir/x", format!("{out}/new/dir/x"), true),
        ("dangling", format!("{out}/new"), true),
        // As the kernel walks: behind the link, not before it.
        ("sub/deep/../x", format!("{out}/x"), true),
        ("/etc/passwd", "/etc/passwd".to_owned(), true),
    ] {
        for (tool, arguments) in [
            ("write_file", json!({"path": path, "content": "x"})),
            ("read_file", json!({"path": path})),
        ] {
            let preview = bench.preview(tool, arguments);
            assert_eq!(preview.subject, subject, "{tool} {path}");
            assert_eq!(
                preview.outside.is_some(),
                outside,
                "{tool} {path}: {preview:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_leads_nowhere_is_said() {
    let bench = Bench::new();
    symlink("loop", bench.work.join("loop")).unwrap();
    bench.write("file", "x");
    for (path, why) in [
        ("", "the path is empty"),
        ("a\0b", "NUL"),
        ("~/x", "`~` is not expanded"),
        ("loop", "too many symbolic links"),
        ("loop/x", "too many symbolic links"),
        ("file/x", "not a directory"),
        ("file/../file", "not a directory"),
        ("none/../file", "no such file"),
    ] {
        let said = bench.fails("read_file", json!({"path": path})).await;
        assert!(said.contains(why), "{path:?}: {said}");
        let said = bench
            .fails("write_file", json!({"path": path, "content": ""}))
            .await;
        assert!(said.contains(why), "{path:?}: {said}");
    }
    let said = bench.fails("read_file", json!({"path": "none"})).await;
    assert_eq!(said, "none: no such file or directory");
}

#[tokio::test]
async fn respairs_own_files_are_closed_to_every_tool() {
    let bench = Bench::new();
    let own = bench.own.display().to_string();
    symlink("../own", bench.work.join("link")).unwrap();
    symlink("../own/config.yaml", bench.work.join("file")).unwrap();
    std::fs::create_dir(bench.own.join("deep")).unwrap();
    std::fs::write(bench.own.join("deep/sessions.db"), "the-key").unwrap();
    for (own, name) in [("config.yaml", "hard"), ("deep/sessions.db", "harder")] {
        std::fs::hard_link(bench.own.join(own), bench.work.join(name)).unwrap();
    }
    let through_root = format!("/proc/self/root{own}/config.yaml");
    for path in [
        "../own/config.yaml",
        "link/config.yaml",
        "link/new",
        "file",
        "hard",
        "harder",
        "link/../own/config.yaml",
        &format!("{own}/config.yaml"),
        &through_root,
        "/proc/self/environ",
    ] {
        for (tool, arguments) in [
            ("read_file", json!({"path": path})),
            ("write_file", json!({"path": path, "content": "x"})),
            ("edit_file", json!({"path": path, "old": "the", "new": "a"})),
            ("search_files", json!({"path": path, "pattern": "key"})),
        ] {
            let preview = bench.preview(tool, arguments.clone());
            assert_eq!(preview.diff, None);
            // Another name of a file is seen when it is opened.
            let seen = preview.outside.is_some() || path.starts_with("hard");
            assert!(seen, "{tool} {path}");
            let said = bench.fails(tool, arguments).await;
            assert!(said.contains("closed to tools"), "{tool} {path}: {said}");
        }
    }
    assert_eq!(std::fs::read_dir(&bench.own).unwrap().count(), 2);
    // A search from above goes round it.
    let said = bench
        .does("search_files", json!({"path": "..", "pattern": "the-key"}))
        .await;
    assert!(said.contains("nothing found"), "{said}");
}

/// A hook or a setting of git's runs later, when nobody looks.
#[tokio::test]
async fn gits_own_files_have_to_be_asked_for() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.work.join("sub/.git/hooks")).unwrap();
    symlink("sub/.git", bench.work.join("link")).unwrap();
    for path in [
        ".git/hooks/post-commit",
        "sub/.GIT/config",
        "link/config",
        "sub/.git",
    ] {
        let write = json!({"path": path, "content": "x"});
        let outside = bench.preview("write_file", write).outside;
        let why = outside.unwrap_or_default();
        assert!(why.contains("git") || path == "sub/.git", "{path}: {why}");
        let read = bench.preview("read_file", json!({"path": path}));
        assert_eq!(read.outside, None, "{path}");
    }
    for path in [".gitignore", ".github/x", "git/x"] {
        let write = json!({"path": path, "content": "x"});
        assert_eq!(bench.preview("write_file", write).outside, None, "{path}");
    }
}

/// A name with a newline looks like something else on a line of its own.
#[tokio::test]
async fn a_name_stays_on_its_line() {
    let bench = Bench::new();
    bench.write("a\n+++ b/x\u{1b}[2J", "needle");
    let spelt = "a\\n+++ b/x\\u{1b}[2J";
    let write = json!({"path": "a\n+++ b/x\u{1b}[2J", "content": "y"});
    let preview = bench.preview("write_file", write);
    assert_eq!(preview.subject, spelt);
    assert!(
        preview
            .diff
            .unwrap()
            .starts_with(&format!("--- a/{spelt}\n+++ b/{spelt}\n@@"))
    );
    let said = bench
        .does("search_files", json!({"pattern": "needle"}))
        .await;
    assert_eq!(said, format!("{spelt}:1: needle\n"));
    let said = bench.does("read_file", json!({"path": "a\n+++ b"})).await;
    assert!(said.ends_with("x\\u{1b}[2J"), "{said}");
}

/// What was allowed was the path as it was shown.
#[tokio::test]
async fn a_path_that_leads_elsewhere_by_now_is_refused() {
    let bench = Bench::new();
    let root = bench.work.parent().unwrap().to_owned();
    std::fs::create_dir(root.join("out")).unwrap();
    std::fs::write(root.join("out/x"), "secret").unwrap();
    for (tool, arguments) in [
        ("read_file", json!({"path": "sub/x"})),
        ("search_files", json!({"path": "sub", "pattern": "secret"})),
        ("write_file", json!({"path": "sub/x", "content": "y"})),
        (
            "edit_file",
            json!({"path": "sub/x", "old": "secret", "new": "y"}),
        ),
    ] {
        bench.write("sub/x", "secret");
        let preview = bench.preview(tool, arguments.clone());
        assert_eq!(preview.outside, None, "{tool}");
        std::fs::remove_dir_all(bench.work.join("sub")).unwrap();
        symlink("../out", bench.work.join("sub")).unwrap();
        let said = bench.fails(tool, arguments).await;
        assert!(
            said.contains("when it was shown; nothing was done"),
            "{said}"
        );
        std::fs::remove_file(bench.work.join("sub")).unwrap();
    }
    assert_eq!(std::fs::read(root.join("out/x")).unwrap(), b"secret");
}

/// A directory becomes a link between the look and the write.
#[tokio::test]
async fn a_link_put_in_the_way_is_not_followed() {
    let bench = Bench::new();
    let root = bench.work.parent().unwrap().to_owned();
    std::fs::create_dir(root.join("out")).unwrap();
    let swap = |turns: usize| {
        let work = bench.work.clone();
        std::thread::spawn(move || {
            for _ in 0..turns {
                // Each may find the other's state.
                let _ = std::fs::create_dir(work.join("sub"));
                let _ = std::fs::remove_dir_all(work.join("sub"));
                let _ = symlink("../out", work.join("sub"));
                let _ = std::fs::remove_file(work.join("sub"));
            }
        })
    };
    let swapping = swap(4_000);
    let (mut inside, mut refused) = (0, 0);
    while !swapping.is_finished() {
        let arguments = json!({"path": "sub/x", "content": "x"});
        // What a user would be asked for is not done here.
        if bench
            .preview("write_file", arguments.clone())
            .outside
            .is_some()
        {
            refused += 1;
            continue;
        }
        match bench.call("write_file", arguments).await.failed {
            true => refused += 1,
            false => inside += 1,
        }
    }
    swapping.join().unwrap();
    let outside = std::fs::read_dir(root.join("out")).unwrap().count();
    assert_eq!(outside, 0, "{inside} written inside, {refused} refused");
    assert!(inside + refused > 0);
}
