//! What the Open Responses specification (2026-04-24) requires of responses, items, parts and events, and what stands
//! in for it: the zero value, or the default of the request field that is echoed.

use super::shape::{Need, Property, Shape};

use Need::{Default, Must, Optional, Own, Status};
use Shape::{Any, Bool, Either, Fields, Integer, List, Null, Number, OneOf, OrNull, Text, Word};

const fn field(name: &'static str, shape: Shape, need: Need) -> Property {
    Property { name, shape, need }
}

/// A response object: 31 required fields. `id`, `created_at`, `model`, `status` and `output` are known from the stream.
pub(super) const RESPONSE: &[Property] = &[
    field("id", Text, Own),
    field("object", Word(&["response"]), Default("\"response\"")),
    field("created_at", Integer, Own),
    field("completed_at", OrNull(&Integer), Default("null")),
    field("status", Text, Own),
    field("incomplete_details", OrNull(&INCOMPLETE), Default("null")),
    field("model", Text, Own),
    field("previous_response_id", OrNull(&Text), Default("null")),
    field("instructions", OrNull(&Text), Default("null")),
    field("output", List(&ITEM), Own),
    field("error", OrNull(&Fields(ERROR)), Default("null")),
    field("tools", List(&TOOL), Default("[]")),
    field("tool_choice", TOOL_CHOICE, Default("\"auto\"")),
    field(
        "truncation",
        Word(&["auto", "disabled"]),
        Default("\"disabled\""),
    ),
    field("parallel_tool_calls", Bool, Default("true")),
    field(
        "text",
        Fields(TEXT),
        Default(r#"{"format":{"type":"text"}}"#),
    ),
    field("top_p", Number, Default("1.0")),
    field("presence_penalty", Number, Default("0.0")),
    field("frequency_penalty", Number, Default("0.0")),
    field("top_logprobs", Integer, Default("0")),
    field("temperature", Number, Default("1.0")),
    field(
        "reasoning",
        OrNull(&Fields(REASONING_CONFIG)),
        Default("null"),
    ),
    field("usage", OrNull(&Fields(USAGE)), Default("null")),
    field("max_output_tokens", OrNull(&Integer), Default("null")),
    field("max_tool_calls", OrNull(&Integer), Default("null")),
    field("store", Bool, Default("false")),
    field("background", Bool, Default("false")),
    field("service_tier", Text, Default("\"default\"")),
    field("metadata", Any, Default("{}")),
    field("safety_identifier", OrNull(&Text), Default("null")),
    field("prompt_cache_key", OrNull(&Text), Default("null")),
];

const INCOMPLETE: Shape = Fields(&[field("reason", Text, Must)]);

const ERROR: &[Property] = &[
    field("code", Text, Default("\"server_error\"")),
    field("message", Text, Default("\"\"")),
];

const USAGE: &[Property] = &[
    field("input_tokens", Integer, Must),
    field("output_tokens", Integer, Must),
    field("total_tokens", Integer, Must),
    field(
        "input_tokens_details",
        Fields(&[field("cached_tokens", Integer, Must)]),
        Must,
    ),
    field(
        "output_tokens_details",
        Fields(&[field("reasoning_tokens", Integer, Must)]),
        Must,
    ),
];

const TOOL: Shape = OneOf(
    &[(
        "function",
        &[
            field("name", Text, Must),
            field("description", OrNull(&Text), Default("null")),
            field("parameters", OrNull(&Fields(&[])), Default("null")),
            field("strict", OrNull(&Bool), Default("null")),
        ],
    )],
    &[],
);

const CHOICE: Shape = Word(&["none", "auto", "required"]);

const TOOL_CHOICE: Shape = Either(
    &CHOICE,
    &OneOf(
        &[
            ("function", CHOSEN),
            (
                "allowed_tools",
                &[
                    field(
                        "tools",
                        List(&OneOf(&[("function", CHOSEN)], &[])),
                        Default("[]"),
                    ),
                    field("mode", CHOICE, Default("\"auto\"")),
                ],
            ),
        ],
        &[],
    ),
);

const CHOSEN: &[Property] = &[field("name", Text, Optional)];

/// The schema allows nothing but null for the JSON schema that was asked for.
const TEXT: &[Property] = &[
    field(
        "format",
        OneOf(
            &[
                ("text", &[]),
                ("json_object", &[]),
                (
                    "json_schema",
                    &[
                        field("name", Text, Must),
                        field("description", OrNull(&Text), Default("null")),
                        field("schema", Null, Default("null")),
                        field("strict", Bool, Default("false")),
                    ],
                ),
            ],
            &[],
        ),
        Default(r#"{"type":"text"}"#),
    ),
    field("verbosity", Word(&["low", "medium", "high"]), Optional),
];

const REASONING_CONFIG: &[Property] = &[
    field(
        "effort",
        OrNull(&Word(&["none", "low", "medium", "high", "xhigh"])),
        Default("null"),
    ),
    field(
        "summary",
        OrNull(&Word(&["concise", "detailed", "auto"])),
        Default("null"),
    ),
];

/// The statuses of a message and of a call.
const STATUS: Shape = Word(&["in_progress", "completed", "incomplete"]);

/// Every item has `id`, `type` and `status`, whoever defines it.
const VENDORS_ITEM: &[Property] = &[field("id", Text, Own), field("status", Text, Status)];

pub(super) const ITEM: Shape = OneOf(
    &[
        (
            "message",
            &[
                field("id", Text, Own),
                field("status", STATUS, Status),
                field(
                    "role",
                    Word(&["user", "assistant", "system", "developer"]),
                    Default("\"assistant\""),
                ),
                field("content", List(&PART), Own),
                field("phase", Word(&["commentary", "final_answer"]), Optional),
            ],
        ),
        (
            "function_call",
            &[
                field("id", Text, Own),
                field("status", STATUS, Status),
                field("call_id", Text, Own),
                field("name", Text, Own),
                field("arguments", Text, Own),
            ],
        ),
        (
            "function_call_output",
            &[
                field("id", Text, Own),
                field("status", STATUS, Status),
                field("call_id", Text, Own),
                field("output", Either(&Text, &List(&PART)), Own),
            ],
        ),
        (
            "reasoning",
            &[
                field("id", Text, Own),
                field("status", Text, Status),
                field("summary", List(&PART), Own),
                field("content", List(&PART), Optional),
                field("encrypted_content", Text, Optional),
            ],
        ),
        (
            "compaction",
            &[
                field("id", Text, Own),
                field("status", Text, Status),
                field("encrypted_content", Text, Own),
                field("created_by", Text, Optional),
            ],
        ),
    ],
    VENDORS_ITEM,
);

const TEXTED: &[Property] = &[field("text", Text, Default("\"\""))];

pub(super) const PART: Shape = OneOf(
    &[
        (
            "output_text",
            &[
                field("text", Text, Default("\"\"")),
                field("annotations", List(&ANNOTATION), Default("[]")),
                field("logprobs", LOGPROBS, Optional),
            ],
        ),
        ("text", TEXTED),
        ("summary_text", TEXTED),
        ("reasoning_text", TEXTED),
        ("input_text", TEXTED),
        ("refusal", &[field("refusal", Text, Default("\"\""))]),
        (
            "input_image",
            &[
                field("image_url", OrNull(&Text), Default("null")),
                field(
                    "detail",
                    Word(&["low", "high", "auto"]),
                    Default("\"auto\""),
                ),
            ],
        ),
        (
            "input_file",
            &[
                field("filename", Text, Optional),
                field("file_url", Text, Optional),
            ],
        ),
        ("input_video", &[field("video_url", Text, Must)]),
    ],
    &[],
);

const ANNOTATION: Shape = OneOf(
    &[(
        "url_citation",
        &[
            field("url", Text, Must),
            field("start_index", Integer, Default("0")),
            field("end_index", Integer, Default("0")),
            field("title", Text, Default("\"\"")),
        ],
    )],
    &[],
);

const LOGPROBS: Shape = List(&Fields(&[
    field("token", Text, Must),
    field("logprob", Number, Must),
    field("bytes", List(&Integer), Default("[]")),
    field(
        "top_logprobs",
        List(&Fields(&[
            field("token", Text, Must),
            field("logprob", Number, Must),
            field("bytes", List(&Integer), Default("[]")),
        ])),
        Default("[]"),
    ),
]));

// What each class of events has besides what the other rules see to.

pub(super) const LIFECYCLE: &[Property] = &[field("response", Fields(RESPONSE), Own)];
pub(super) const OF_ITEM: &[Property] = &[field("item", ITEM, Own)];
pub(super) const OF_PART: &[Property] = &[field("part", PART, Own)];
pub(super) const PIECE: &[Property] = &[
    field("logprobs", LOGPROBS, Optional),
    field("obfuscation", Text, Optional),
];
pub(super) const ANNOTATED: &[Property] = &[
    field("annotation_index", Integer, Default("0")),
    field("annotation", OrNull(&ANNOTATION), Default("null")),
];
pub(super) const FAILING: &[Property] = &[field(
    "error",
    Fields(&[
        field("type", Text, Default("\"server_error\"")),
        field("code", OrNull(&Text), Default("null")),
        field("message", Text, Own),
        field("param", OrNull(&Text), Default("null")),
        field("headers", Fields(&[]), Optional),
    ]),
    Own,
)];
