//! What makes two items the same item, as openai-python 3.54.0 sees it: the type, the call id, and for what is not a
//! call the id.

use crate::json::Object;

/// Type, id (`None` for calls), call id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) type_name: String,
    pub(crate) id: Option<String>,
    pub(crate) call_id: Option<String>,
}

impl Identity {
    pub(crate) fn of(item: &Object<'_>) -> Self {
        let text = |key: &str| item.string(key).map(std::borrow::Cow::into_owned);
        let type_name = text("type").unwrap_or_default();
        let by_call = matches!(
            type_name.as_str(),
            "function_call" | "custom_tool_call" | "shell_call" | "shell_call_output"
        );
        Self {
            id: if by_call { None } else { text("id") },
            call_id: text("call_id"),
            type_name,
        }
    }

    /// Whether `new` may stand for an item whose id was `old`: the ids are equal, or a call had none.
    pub(crate) fn compatible(&self, old: Option<&str>, new: Option<&str>) -> bool {
        old == new
            || (old.is_none()
                && matches!(
                    self.type_name.as_str(),
                    "function_call" | "custom_tool_call"
                ))
    }
}

/// An item that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    /// The output index in its done event.
    pub(crate) index: Option<u64>,
    pub(crate) id: Option<String>,
}
