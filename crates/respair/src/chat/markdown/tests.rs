#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

const PLAIN: Look = Look {
    width: 40,
    color: false,
    base: Style::new(),
};

fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        line.write(false, &mut out);
        out.push('\n');
    }
    out
}

/// Everything, in pieces of so many characters.
fn shown(source: &str, look: Look, size: usize) -> String {
    let mut markdown = Markdown::new(look);
    let mut lines = Vec::new();
    let chars: Vec<char> = source.chars().collect();
    for piece in chars.chunks(size) {
        lines.extend(markdown.push(&piece.iter().collect::<String>()));
        // What is open is never more than it was at the end.
        markdown.live();
    }
    lines.extend(markdown.finish());
    text(&lines)
}

const SAMPLE: &str = "\
# Title

A paragraph with **bold**, *slanted* and `code`, longer than the forty columns there are.
Second line, [a link](https://example.org/x) and <https://example.org>.

- one
- two, which is long enough to be broken into lines
  - nested
  - [x] done
- three

1. first
2. second

> quoted text that is also longer than one line of the terminal

```rust
fn main() {
\tprintln!(\"a line of code that is longer than forty columns is left as it is\");
}
```

| Name | Count |
|:-----|------:|
| apple | 3 |
| pear | 12 |

***

***bold and slanted***

    indented

end";

#[test]
fn a_page() {
    insta::assert_snapshot!(shown(SAMPLE, PLAIN, 1000));
}

#[test]
fn a_page_with_colours() {
    let look = Look {
        color: true,
        ..PLAIN
    };
    let mut markdown = Markdown::new(look);
    let mut lines = markdown.push(SAMPLE);
    lines.extend(markdown.finish());
    let mut out = String::new();
    for line in &lines {
        line.write(true, &mut out);
        out.push('\n');
    }
    insta::assert_snapshot!(out.replace('\x1b', "␛"));
}

/// How a text is cut into pieces changes nothing.
#[test]
fn any_pieces_give_the_same() {
    let whole = shown(SAMPLE, PLAIN, 10_000);
    for size in 1..40 {
        assert_eq!(shown(SAMPLE, PLAIN, size), whole, "pieces of {size}");
    }
}

/// A line that was given is never taken back: finished lines and live ones are always the beginning of the end, but for the
/// block that is open.
#[test]
fn what_is_finished_stays() {
    let whole = shown(SAMPLE, PLAIN, 10_000);
    let mut markdown = Markdown::new(PLAIN);
    let mut given = String::new();
    for c in SAMPLE.chars() {
        given.push_str(&text(&markdown.push(&c.to_string())));
        assert!(whole.starts_with(&given), "{given}\n---\n{whole}");
    }
}

#[test]
fn code_comes_line_by_line() {
    let mut markdown = Markdown::new(PLAIN);
    assert_eq!(
        text(&markdown.push("```py\nprint(1)\npri")),
        "```py\nprint(1)\n"
    );
    assert_eq!(text(&markdown.live()), "pri\n");
    assert_eq!(text(&markdown.push("nt(2)\n``")), "print(2)\n");
    assert_eq!(text(&markdown.push("`\nafter")), "```\n");
    assert_eq!(text(&markdown.finish()), "\nafter\n");
}

#[test]
fn half_a_line_decides_nothing() {
    let mut markdown = Markdown::new(PLAIN);
    assert!(markdown.push("para\n***").is_empty());
    assert!(markdown.push("bold***").is_empty());
    assert_eq!(text(&markdown.finish()), "para ***bold***\n");
}

#[test]
fn what_has_scrolled_away_is_not_given_again() {
    let mut markdown = Markdown::new(PLAIN);
    let mut given = Vec::new();
    let words: Vec<String> = (0..100).map(|n| format!("word{n}")).collect();
    let source = words.join(" ");
    for piece in source.as_bytes().chunks(7) {
        given.extend(markdown.push(std::str::from_utf8(piece).unwrap()));
        let live = markdown.live().len();
        if live > 3 {
            given.extend(markdown.let_go(live - 3));
        }
    }
    given.extend(markdown.finish());
    let once = shown(&source, PLAIN, 10_000);
    assert_eq!(text(&given), once);
}

#[test]
fn a_table_that_does_not_fit_is_shown_row_by_row() {
    let source = "| a | b | c |\n|---|---|---|\n| one one | two two | three three |\n";
    let narrow = Look { width: 16, ..PLAIN };
    assert_eq!(
        shown(source, narrow, 100),
        "a: one one\nb: two two\nc: three three\n"
    );
    let wide = shown(source, PLAIN, 100);
    assert!(wide.contains("one one │ two two │ three three"), "{wide}");
}

#[test]
fn wide_text_is_counted_as_wide() {
    let narrow = Look { width: 10, ..PLAIN };
    assert_eq!(shown("日本語のテキスト", narrow, 1), "日本語のテ\nキスト\n");
    let table = "| 名 | n |\n|---|--:|\n| 日本 | 1 |\n";
    assert_eq!(shown(table, PLAIN, 3), "名   │ n\n─────┼──\n日本 │ 1\n");
}

/// The longest block that is read again and again is bounded, and so is the time that it takes.
#[test]
fn a_paragraph_without_an_end() {
    let mut markdown = Markdown::new(PLAIN);
    let mut lines = 0;
    for _ in 0..20_000 {
        lines += markdown.push("word word word word ").len();
        assert!(markdown.open.len() <= LONGEST + 20);
    }
    lines += markdown.finish().len();
    assert!(lines > 9_000, "{lines}");
}
