//! Required fields of a response that the upstream left out (CONTRACT.md, made-up values): what was filled in, and from
//! where, until it is reported.

/// The fields that were filled since this was last asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaulted {
    /// Each once, with whether the request said it.
    fields: Vec<(&'static str, bool)>,
}

impl Defaulted {
    /// A field was filled; `asked` says that its value is the request's.
    pub(crate) fn note(&mut self, name: &'static str, asked: bool) {
        if !self.fields.contains(&(name, asked)) {
            self.fields.push((name, asked));
        }
    }

    /// What is to be reported, in one line; nothing when no field was filled.
    pub(crate) fn take(&mut self) -> Option<String> {
        let fields = std::mem::take(&mut self.fields);
        let list = |of: bool| {
            let names: Vec<&str> = fields
                .iter()
                .filter(|(_, asked)| *asked == of)
                .map(|(name, _)| *name)
                .collect();
            (!names.is_empty()).then(|| format!("`{}`", names.join("`, `")))
        };
        let from_request = list(true).map(|names| format!("copied from the request: {names}"));
        let defaults = list(false).map(|names| format!("by default: {names}"));
        let said: Vec<String> = from_request.into_iter().chain(defaults).collect();
        (!said.is_empty())
            .then(|| format!("Fields of the response were filled in, {}", said.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_named_once() {
        let mut defaulted = Defaulted::default();
        assert_eq!(defaulted.take(), None);
        for (name, asked) in [
            ("store", false),
            ("tools", true),
            ("store", false),
            ("text", false),
        ] {
            defaulted.note(name, asked);
        }
        let said = "Fields of the response were filled in, copied from the request: `tools`; \
            by default: `store`, `text`";
        assert_eq!(defaulted.take().as_deref(), Some(said));
        assert_eq!(defaulted.take(), None);
    }
}
