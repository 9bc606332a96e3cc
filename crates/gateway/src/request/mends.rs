//! The names of what is changed in requests, and what was changed in one.

/// What may be changed in a request: its stable name, and one sentence about it. `recovery.without` switches it off.
pub const REQUEST_MENDS: [(&str, &str); 18] = [
    (
        MADE_UP_ID,
        "Ids that respair made up in an earlier answer are left out of the input.",
    ),
    (
        FIELD_DROPPED,
        "A field that the upstream refuses by name is left out.",
    ),
    (
        NULL_DROPPED,
        "Fields that are null are left out, once one of them is refused for it.",
    ),
    (
        STORE_SET,
        "`store: false` is added where the upstream demands it and the request says nothing.",
    ),
    (
        EFFORT_CLAMPED,
        "A reasoning effort that the upstream refuses becomes the nearest one that it takes.",
    ),
    (
        TOOL_CONVERTED,
        "A `custom` tool becomes a function of one string, with its calls in the input.",
    ),
    (
        CALL_RESTORED,
        "A call of a converted tool is given back as the call of the tool that the client knows.",
    ),
    (
        NAMESPACE_FLATTENED,
        "The tools of a namespace become functions of their own, with its calls in the input.",
    ),
    (
        TOOL_DROPPED,
        "A tool that the upstream itself would run, and refuses, is left out.",
    ),
    (
        ITEM_DROPPED,
        "Input items of a type that the upstream does not know are left out.",
    ),
    (
        ITEM_FIELD_DROPPED,
        "A field of input items that the upstream refuses by name is left out.",
    ),
    (
        REASONING_DROPPED,
        "Reasoning items that the upstream cannot read are left out.",
    ),
    (
        REASONING_CONTENT_DROPPED,
        "The plain text of reasoning items is left out.",
    ),
    (
        SUMMARY_ADDED,
        "A reasoning item without a `summary` gets an empty one.",
    ),
    (
        ID_DROPPED,
        "Ids of input items that the upstream did not store are left out.",
    ),
    (
        DUPLICATE_DROPPED,
        "An input item whose id came before is left out.",
    ),
    (
        ARGUMENTS_REPLACED,
        "Arguments of an earlier call that are no JSON become `{}`, or an object that says so.",
    ),
    (
        ROLE_CHANGED,
        "`developer` messages become `system` ones, or both become `instructions`.",
    ),
];

pub(crate) const MADE_UP_ID: &str = "request-made-up-id-dropped";
pub(crate) const FIELD_DROPPED: &str = "request-field-dropped";
pub(crate) const NULL_DROPPED: &str = "request-null-dropped";
pub(crate) const STORE_SET: &str = "request-store-set";
pub(crate) const EFFORT_CLAMPED: &str = "request-effort-clamped";
pub(crate) const TOOL_CONVERTED: &str = "request-tool-converted";
pub(crate) const CALL_RESTORED: &str = "request-call-restored";
pub(crate) const NAMESPACE_FLATTENED: &str = "request-namespace-flattened";
pub(crate) const TOOL_DROPPED: &str = "request-tool-dropped";
pub(crate) const ITEM_DROPPED: &str = "request-item-dropped";
pub(crate) const ITEM_FIELD_DROPPED: &str = "request-item-field-dropped";
pub(crate) const REASONING_DROPPED: &str = "request-reasoning-dropped";
pub(crate) const REASONING_CONTENT_DROPPED: &str = "request-reasoning-content-dropped";
pub(crate) const SUMMARY_ADDED: &str = "request-summary-added";
pub(crate) const ID_DROPPED: &str = "request-id-dropped";
pub(crate) const DUPLICATE_DROPPED: &str = "request-duplicate-dropped";
pub(crate) const ARGUMENTS_REPLACED: &str = "request-arguments-replaced";
pub(crate) const ROLE_CHANGED: &str = "request-role-changed";

/// How many names of one kind are told.
const NAMES: usize = 4;

/// How long a name may be to be told. Names come from the client.
const NAME: usize = 64;

/// Something that was changed in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestMend {
    /// Its name, one of [`REQUEST_MENDS`].
    pub code: &'static str,
    /// How often.
    pub count: u64,
    /// What it was done to, by name; at most four, without what a header or a line cannot hold.
    pub names: Vec<String>,
    /// It was done before the upstream was asked: remembered, or configured.
    pub known: bool,
}

impl std::fmt::Display for RequestMend {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.code)?;
        for (n, name) in self.names.iter().enumerate() {
            let mark = if n == 0 { ':' } else { '+' };
            write!(out, "{mark}{name}")?;
        }
        if self.count > 1 {
            write!(out, "×{}", self.count)?;
        }
        if self.known {
            out.write_str("(known)")?;
        }
        Ok(())
    }
}

/// What was changed in one request, by code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mends(Vec<RequestMend>);

impl Mends {
    /// One more change of this kind, to what has this name; an empty name says nothing.
    pub(crate) fn add(&mut self, code: &'static str, name: &str) {
        let found = self.0.iter_mut().find(|mend| mend.code == code);
        let mend = match found {
            Some(mend) => mend,
            None => {
                self.0.push(RequestMend {
                    code,
                    count: 0,
                    names: Vec::new(),
                    known: false,
                });
                let Some(last) = self.0.last_mut() else {
                    return;
                };
                last
            }
        };
        mend.count += 1;
        let name = told(name);
        if !name.is_empty() && mend.names.len() < NAMES && !mend.names.contains(&name) {
            mend.names.push(name);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, code: &str) -> bool {
        self.0.iter().any(|mend| mend.code == code)
    }

    /// All of them; `known` says of a code that it was done before the upstream was asked.
    pub(crate) fn list(&self, known: impl Fn(&str) -> bool) -> Vec<RequestMend> {
        let marked = self.0.iter().cloned().map(|mend| RequestMend {
            known: known(mend.code),
            ..mend
        });
        marked.collect()
    }
}

/// A name as it may stand in a log line or a header.
fn told(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']');
    name.chars()
        .map(|c| if plain(c) { c } else { '?' })
        .take(NAME)
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_kind_are_counted_and_named_in_bounds() {
        let mut mends = Mends::default();
        for n in 0..20 {
            mends.add(TOOL_DROPPED, &format!("tool\r\n{n}"));
        }
        mends.add(NULL_DROPPED, "");
        mends.add(FIELD_DROPPED, &"x".repeat(200));
        let list = mends.list(|code| code == NULL_DROPPED);
        assert_eq!(list[0].names.len(), NAMES);
        assert!(
            list[0]
                .to_string()
                .starts_with("request-tool-dropped:tool??0+tool??1+")
        );
        assert!(list[0].to_string().ends_with("×20"));
        assert_eq!(list[1].to_string(), "request-null-dropped(known)");
        assert_eq!(list[2].names[0].len(), NAME);
    }

    #[test]
    fn the_guide_tells_of_each() {
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/GATEWAY.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        for (code, _) in REQUEST_MENDS {
            assert!(guide.contains(&format!("| `{code}` | ")), "{code}");
        }
    }

    #[test]
    fn every_code_has_its_own_sentence() {
        for (at, (code, sentence)) in REQUEST_MENDS.iter().enumerate() {
            assert!(code.starts_with("request-") && sentence.ends_with('.'));
            assert!(REQUEST_MENDS[..at].iter().all(|(other, _)| other != code));
        }
    }
}
