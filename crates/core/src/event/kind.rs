//! Every type of stream event, by name.

use crate::schema::VENDOR;
use crate::violation::Profile;

/// What an event does to the stream: rules are listed by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// `response.created`, `response.queued`, `response.in_progress`.
    Prelude,
    /// `response.output_item.added`.
    ItemAdded,
    /// A content part or a reasoning summary part begins.
    PartAdded,
    /// A piece of text: output text, refusal, reasoning, reasoning summary.
    TextDelta,
    /// The whole text of a part.
    TextDone,
    /// A content part or a reasoning summary part is closed.
    PartDone,
    /// A piece of a call's arguments or input.
    CallDelta,
    /// A call's whole arguments or input.
    CallDone,
    /// Anything else that belongs to one item: hosted tools, annotations, images.
    ItemStatus,
    /// `response.output_item.done`.
    ItemDone,
    /// `response.completed`, `response.incomplete`, `response.failed`, and `response.done`, their alias.
    Terminal,
    /// `error`.
    Error,
    /// A known event that belongs to no item.
    Other,
    /// A JSON object of a type that is not in the protocol.
    Unknown,
    /// `data: [DONE]`.
    Sentinel,
    /// A block without data that says nothing: comments, blank lines.
    Comment,
    /// A block that is no event: no JSON, no object, no data.
    Junk,
}

impl Class {
    /// How many classes there are.
    pub(crate) const COUNT: usize = 17;
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $class:ident $text:literal,)*) => {
        /// The type of a stream event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// `response.done`: no event of the protocol; some relays end with it. Its `status` says what it is.
            ResponseDone,
            /// `response.reasoning.delta`: an older name for `response.reasoning_text.delta`.
            ReasoningDelta,
            /// `response.reasoning.done`: an older name for `response.reasoning_text.done`.
            ReasoningDone,
            /// A JSON object of any other type, or of none.
            Unknown,
            /// `data: [DONE]`.
            Sentinel,
            /// Comments and blank lines.
            Comment,
            /// A block that is no event.
            Junk,
        }

        impl EventKind {
            /// Every type of the protocol, by name.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$name),*];

            /// The type as it stands on the wire; empty for what has none.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(EventKind::$name => $text,)*
                    EventKind::ResponseDone => "response.done",
                    EventKind::ReasoningDelta => "response.reasoning.delta",
                    EventKind::ReasoningDone => "response.reasoning.done",
                    EventKind::Unknown | EventKind::Sentinel | EventKind::Comment | EventKind::Junk => "",
                }
            }

            /// The name with the vendor's prefix, which Open Responses wants of what it does not define itself.
            fn prefixed(self) -> &'static str {
                match self {
                    $(EventKind::$name => concat!("openai:", $text),)*
                    other => other.name(),
                }
            }

            /// What such an event does to the stream.
            #[must_use]
            pub fn class(self) -> Class {
                match self {
                    $(EventKind::$name => Class::$class,)*
                    EventKind::ResponseDone => Class::Terminal,
                    EventKind::ReasoningDelta => Class::TextDelta,
                    EventKind::ReasoningDone => Class::TextDone,
                    EventKind::Unknown => Class::Unknown,
                    EventKind::Sentinel => Class::Sentinel,
                    EventKind::Comment => Class::Comment,
                    EventKind::Junk => Class::Junk,
                }
            }

            /// The kind that is called `name`; [`EventKind::Unknown`] for any other name.
            #[must_use]
            pub fn from_name(name: &str) -> Self {
                Self::from_bytes(name.as_bytes())
            }

            /// [`EventKind::from_name`] for bytes.
            #[allow(non_upper_case_globals, reason = "named like the kinds")]
            pub(crate) fn from_bytes(name: &[u8]) -> Self {
                $(const $name: &[u8] = $text.as_bytes();)*
                match name {
                    $($name => EventKind::$name,)*
                    b"response.done" | b"response.cancelled" => EventKind::ResponseDone,
                    b"response.reasoning.delta" => EventKind::ReasoningDelta,
                    b"response.reasoning.done" => EventKind::ReasoningDone,
                    _ => EventKind::Unknown,
                }
            }
        }
    };
}

kinds! {
    AudioDelta Other "response.audio.delta",
    AudioDone Other "response.audio.done",
    AudioTranscriptDelta Other "response.audio.transcript.delta",
    AudioTranscriptDone Other "response.audio.transcript.done",
    CodeInterpreterCallCodeDelta ItemStatus "response.code_interpreter_call_code.delta",
    CodeInterpreterCallCodeDone ItemStatus "response.code_interpreter_call_code.done",
    CodeInterpreterCallCompleted ItemStatus "response.code_interpreter_call.completed",
    CodeInterpreterCallInProgress ItemStatus "response.code_interpreter_call.in_progress",
    CodeInterpreterCallInterpreting ItemStatus "response.code_interpreter_call.interpreting",
    CompactionCompacting ItemStatus "response.compaction.compacting",
    Completed Terminal "response.completed",
    ContentPartAdded PartAdded "response.content_part.added",
    ContentPartDone PartDone "response.content_part.done",
    Created Prelude "response.created",
    CustomToolCallInputDelta CallDelta "response.custom_tool_call_input.delta",
    CustomToolCallInputDone CallDone "response.custom_tool_call_input.done",
    Error Error "error",
    Failed Terminal "response.failed",
    FileSearchCallCompleted ItemStatus "response.file_search_call.completed",
    FileSearchCallInProgress ItemStatus "response.file_search_call.in_progress",
    FileSearchCallSearching ItemStatus "response.file_search_call.searching",
    FunctionCallArgumentsDelta CallDelta "response.function_call_arguments.delta",
    FunctionCallArgumentsDone CallDone "response.function_call_arguments.done",
    ImageGenerationCallCompleted ItemStatus "response.image_generation_call.completed",
    ImageGenerationCallGenerating ItemStatus "response.image_generation_call.generating",
    ImageGenerationCallInProgress ItemStatus "response.image_generation_call.in_progress",
    ImageGenerationCallPartialImage ItemStatus "response.image_generation_call.partial_image",
    InProgress Prelude "response.in_progress",
    Incomplete Terminal "response.incomplete",
    McpCallArgumentsDelta ItemStatus "response.mcp_call_arguments.delta",
    McpCallArgumentsDone ItemStatus "response.mcp_call_arguments.done",
    McpCallCompleted ItemStatus "response.mcp_call.completed",
    McpCallFailed ItemStatus "response.mcp_call.failed",
    McpCallInProgress ItemStatus "response.mcp_call.in_progress",
    McpListToolsCompleted ItemStatus "response.mcp_list_tools.completed",
    McpListToolsFailed ItemStatus "response.mcp_list_tools.failed",
    McpListToolsInProgress ItemStatus "response.mcp_list_tools.in_progress",
    OutputItemAdded ItemAdded "response.output_item.added",
    OutputItemDone ItemDone "response.output_item.done",
    OutputTextAnnotationAdded ItemStatus "response.output_text.annotation.added",
    OutputTextDelta TextDelta "response.output_text.delta",
    OutputTextDone TextDone "response.output_text.done",
    Queued Prelude "response.queued",
    ReasoningSummaryPartAdded PartAdded "response.reasoning_summary_part.added",
    ReasoningSummaryPartDone PartDone "response.reasoning_summary_part.done",
    ReasoningSummaryTextDelta TextDelta "response.reasoning_summary_text.delta",
    ReasoningSummaryTextDone TextDone "response.reasoning_summary_text.done",
    ReasoningTextDelta TextDelta "response.reasoning_text.delta",
    ReasoningTextDone TextDone "response.reasoning_text.done",
    RefusalDelta TextDelta "response.refusal.delta",
    RefusalDone TextDone "response.refusal.done",
    ShellCallCommandAdded ItemStatus "response.shell_call_command.added",
    ShellCallCommandDelta ItemStatus "response.shell_call_command.delta",
    ShellCallCommandDone ItemStatus "response.shell_call_command.done",
    ShellCallOutputContentDelta ItemStatus "response.shell_call_output_content.delta",
    ShellCallOutputContentDone ItemStatus "response.shell_call_output_content.done",
    WebSearchCallCompleted ItemStatus "response.web_search_call.completed",
    WebSearchCallInProgress ItemStatus "response.web_search_call.in_progress",
    WebSearchCallSearching ItemStatus "response.web_search_call.searching",
}

/// The events of the Open Responses schema that go by the same name there.
const OPEN: &[EventKind] = &[
    EventKind::Completed,
    EventKind::ContentPartAdded,
    EventKind::ContentPartDone,
    EventKind::Created,
    EventKind::Error,
    EventKind::Failed,
    EventKind::FunctionCallArgumentsDelta,
    EventKind::FunctionCallArgumentsDone,
    EventKind::InProgress,
    EventKind::Incomplete,
    EventKind::OutputItemAdded,
    EventKind::OutputItemDone,
    EventKind::OutputTextAnnotationAdded,
    EventKind::OutputTextDelta,
    EventKind::OutputTextDone,
    EventKind::Queued,
    EventKind::ReasoningSummaryPartAdded,
    EventKind::ReasoningSummaryPartDone,
    EventKind::ReasoningSummaryTextDelta,
    EventKind::ReasoningSummaryTextDone,
    EventKind::RefusalDelta,
    EventKind::RefusalDone,
];

impl EventKind {
    /// The type as it stands on the wire under `profile`. Open Responses calls reasoning text otherwise, and has OpenAI's
    /// other events under OpenAI's prefix.
    pub(crate) fn name_under(self, profile: Profile) -> &'static str {
        match self {
            _ if profile != Profile::OpenResponses => self.name(),
            EventKind::ReasoningTextDelta => EventKind::ReasoningDelta.name(),
            EventKind::ReasoningTextDone => EventKind::ReasoningDone.name(),
            kind if OPEN.contains(&kind) => kind.name(),
            kind => kind.prefixed(),
        }
    }

    /// The same event of the other kind of call, and the fields of its done event that go with each.
    pub(crate) fn of_other_call(self) -> Option<Self> {
        Some(match self {
            Self::FunctionCallArgumentsDelta => Self::CustomToolCallInputDelta,
            Self::FunctionCallArgumentsDone => Self::CustomToolCallInputDone,
            Self::CustomToolCallInputDelta => Self::FunctionCallArgumentsDelta,
            Self::CustomToolCallInputDone => Self::FunctionCallArgumentsDone,
            _ => return None,
        })
    }

    /// The kind of an event that goes by its name with OpenAI's prefix.
    pub(crate) fn from_prefixed(name: &str) -> Option<Self> {
        let kind = Self::from_name(name.strip_prefix(VENDOR)?);
        (kind.prefixed() == name && kind.name_under(Profile::OpenResponses) == name).then_some(kind)
    }

    /// `true` when the protocol requires an `item_id` on such an event.
    #[must_use]
    pub fn needs_item_id(self) -> bool {
        match self.class() {
            Class::PartAdded | Class::TextDelta | Class::TextDone | Class::PartDone => true,
            Class::CallDelta | Class::CallDone => true,
            // The native service leaves it out of these (PROTOCOL.md, native recordings).
            Class::ItemStatus => !matches!(
                self,
                EventKind::ShellCallCommandAdded
                    | EventKind::ShellCallCommandDelta
                    | EventKind::ShellCallCommandDone
            ),
            _ => false,
        }
    }

    /// The type of item that a hosted tool's event belongs to: its name tells it.
    #[must_use]
    pub fn hosted_item(self) -> Option<&'static str> {
        const TYPES: [&str; 9] = [
            "code_interpreter_call",
            "compaction",
            "file_search_call",
            "image_generation_call",
            "mcp_call",
            "mcp_list_tools",
            "shell_call_output",
            "shell_call",
            "web_search_call",
        ];
        if self.class() != Class::ItemStatus {
            return None;
        }
        let name = self.name().strip_prefix("response.")?;
        // `web_search_call.searching`, but also `mcp_call_arguments.delta`.
        let of = |item: &&&str| {
            let rest = name.strip_prefix(**item);
            rest.is_some_and(|rest| rest.starts_with(['.', '_']))
        };
        TYPES.iter().find(of).copied()
    }

    /// `true` when the event belongs to one output item.
    #[must_use]
    pub fn is_of_item(self) -> bool {
        matches!(
            self.class(),
            Class::ItemAdded
                | Class::PartAdded
                | Class::TextDelta
                | Class::TextDone
                | Class::PartDone
                | Class::CallDelta
                | Class::CallDone
                | Class::ItemStatus
                | Class::ItemDone
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        assert_eq!(EventKind::ALL.len(), 59);
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), *kind);
        }
        assert_eq!(
            EventKind::from_name("codex.rate_limits"),
            EventKind::Unknown
        );
        assert_eq!(EventKind::from_name(""), EventKind::Unknown);
    }

    #[test]
    fn every_name_under_open_responses_is_its_own_or_prefixed() {
        let under = |kind: EventKind| kind.name_under(Profile::OpenResponses);
        let prefixed = EventKind::ALL
            .iter()
            .filter(|kind| under(**kind).starts_with(VENDOR));
        for kind in prefixed.clone() {
            assert_eq!(EventKind::from_prefixed(under(*kind)), Some(*kind));
        }
        // 24 of the specification's: 22 of the same name, two of another.
        assert_eq!(prefixed.count(), EventKind::ALL.len() - 24);
        assert_eq!(
            under(EventKind::ReasoningTextDelta),
            "response.reasoning.delta"
        );
        for other in [
            "openai:response.created",
            "openai:x",
            "acme:response.audio.done",
        ] {
            assert_eq!(EventKind::from_prefixed(other), None, "{other}");
        }
    }

    #[test]
    fn the_name_of_a_hosted_tools_event_tells_its_item() {
        for kind in EventKind::ALL {
            let hosted =
                kind.class() == Class::ItemStatus && *kind != EventKind::OutputTextAnnotationAdded;
            assert_eq!(kind.hosted_item().is_some(), hosted, "{}", kind.name());
        }
        for (kind, item) in [
            (EventKind::McpCallArgumentsDelta, "mcp_call"),
            (EventKind::McpListToolsFailed, "mcp_list_tools"),
            (EventKind::ShellCallCommandDelta, "shell_call"),
            (EventKind::ShellCallOutputContentDone, "shell_call_output"),
            (
                EventKind::CodeInterpreterCallCodeDelta,
                "code_interpreter_call",
            ),
        ] {
            assert_eq!(kind.hosted_item(), Some(item));
        }
    }
}
