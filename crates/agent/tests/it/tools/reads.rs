//! `read_file`.

use serde_json::json;

use super::*;

#[tokio::test]
async fn lines_are_numbered_and_paged() {
    let bench = Bench::new();
    let text: String = (1..=2_500).map(|n| format!("line {n}\n")).collect();
    bench.write("a.txt", text);
    let said = bench
        .does("read_file", json!({"path": "a.txt", "limit": 2}))
        .await;
    assert_eq!(
        said,
        "     1\tline 1\n     2\tline 2\n[lines 1 to 2; the file has 23893 bytes and goes on: offset 3]"
    );
    let output = bench
        .call("read_file", json!({"path": "a.txt", "offset": 2_499}))
        .await;
    assert_eq!(text_of(&output), "  2499\tline 2499\n  2500\tline 2500\n");
    assert_eq!(output.summary, "lines 2499 to 2500");
    let said = bench.does("read_file", json!({"path": "a.txt"})).await;
    assert!(said.ends_with("[lines 1 to 1000; the file has 23893 bytes and goes on: offset 1001]"));
    let said = bench
        .fails("read_file", json!({"path": "a.txt", "offset": 2_501}))
        .await;
    assert_eq!(said, "a.txt has only 2500 lines");
    bench.write("empty", "");
    assert_eq!(
        bench.does("read_file", json!({"path": "empty"})).await,
        "[empty is empty]"
    );
    bench.write("crlf", "a\r\nb");
    assert_eq!(
        bench.does("read_file", json!({"path": "crlf"})).await,
        "     1\ta\n     2\tb\n"
    );
}

fn text_of(output: &ToolOutput) -> String {
    text(output)
}

#[tokio::test]
async fn long_lines_and_texts_are_bounded() {
    let bench = Bench::new();
    bench.write("long", format!("{}\nnext\n", "x".repeat(5_000_000)));
    let said = bench.does("read_file", json!({"path": "long"})).await;
    assert!(said.len() < 2_100, "{}", said.len());
    assert!(
        said.ends_with(" [… 4998000 more bytes]\n     2\tnext\n"),
        "{}",
        &said[2_000..]
    );
    bench.write("many", format!("{}\n", "y".repeat(1_000)).repeat(900));
    let said = bench.does("read_file", json!({"path": "many"})).await;
    assert!(said.len() < 70_000, "{}", said.len());
    assert!(
        said.contains("goes on: offset 67]"),
        "{}",
        &said[said.len() - 90..]
    );
    bench.write("bytes", b"ok\n\xff\xfe\n");
    let said = bench.does("read_file", json!({"path": "bytes"})).await;
    assert!(
        said.ends_with("no UTF-8: \u{fffd} stands for them]"),
        "{said}"
    );
}

#[tokio::test]
async fn a_gigabyte_is_not_held() {
    let bench = Bench::new();
    let file = std::fs::File::create(bench.work.join("zeros")).unwrap();
    file.set_len(1 << 30).unwrap();
    let said = bench.does("read_file", json!({"path": "zeros"})).await;
    assert_eq!(said, "[zeros is a binary file of 1073741824 bytes]");
    // Text at first, and no end of a line after it.
    std::fs::write(
        bench.work.join("zeros"),
        format!("a\n{}", "b".repeat(10_000)),
    )
    .unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(bench.work.join("zeros"))
        .unwrap();
    file.set_len(1 << 30).unwrap();
    let said = bench.does("read_file", json!({"path": "zeros"})).await;
    assert!(
        said.len() < 2_300 && said.contains("more bytes]"),
        "{}",
        said.len()
    );
    let said = bench
        .fails("read_file", json!({"path": "zeros", "offset": 9}))
        .await;
    assert_eq!(
        said,
        "zeros: 2 lines are in its first 64 MiB, which is as far as this tool goes; shell can read on"
    );
}

#[tokio::test]
async fn what_is_no_file_is_named() {
    let bench = Bench::new();
    fifo(&bench.work.join("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(bench.work.join("s")).unwrap();
    for (path, why) in [
        ("fifo", "fifo is a FIFO, not a file"),
        ("s", "s is a socket, not a file"),
        ("/dev/zero", "/dev/zero is a device, not a file"),
    ] {
        assert_eq!(bench.fails("read_file", json!({"path": path})).await, why);
    }
    bench.write("dir/b", "");
    bench.write("dir/a/x", "");
    assert_eq!(
        bench.does("read_file", json!({"path": "dir"})).await,
        "[dir is a directory of 2 entries]\na/\nb"
    );
    assert!(
        bench
            .does("read_file", json!({"path": "/"}))
            .await
            .contains("\netc/\n")
    );
    for n in 0..600 {
        bench.write(&format!("wide/{n}"), "");
    }
    let said = bench.does("read_file", json!({"path": "wide"})).await;
    assert!(said.ends_with("[there are more]"));
}

#[tokio::test]
async fn a_small_image_is_an_image() {
    let bench = Bench::new();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend([0; 100]);
    bench.write("a.png", &png);
    let output = bench.call("read_file", json!({"path": "a.png"})).await;
    assert_eq!(output.content[0]["text"], "[a.png, image/png, 108 bytes]");
    assert_eq!(output.content[1]["type"], "input_image");
    let url = output.content[1]["image_url"].as_str().unwrap();
    assert!(
        url.starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{url}"
    );
    png.resize((1 << 20) + 1, 0);
    bench.write("b.png", &png);
    let said = bench.does("read_file", json!({"path": "b.png"})).await;
    assert!(
        said.contains("is an image (image/png) of 1048577 bytes; at most"),
        "{said}"
    );
}
