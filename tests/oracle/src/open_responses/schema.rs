//! The public schema of 2026-04-24, as checks: what it requires of every event, response, item and part.
//!
//! Written from the specification's type definitions, not copied from its files. Unions told apart by `type` also let a
//! vendor's own type pass, prefixed as the prose demands, which the schema itself cannot say.

use serde_json::Value;

type Check = fn(&Value) -> bool;

/// A field: its name, whether it has to be there, and what it has to be.
type Field = (&'static str, bool, Check);

const MUST: bool = true;
const MAY: bool = false;

/// Whether the schema has an event of that type.
pub(crate) fn has_event(kind: &str) -> bool {
    EVENTS.iter().any(|(name, _)| *name == kind)
}

/// `slug:name`.
pub(crate) fn is_vendors(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(slug, rest)| !slug.is_empty() && !rest.is_empty() && !slug.contains(' '))
}

/// What in an event does not fit the schema, as paths.
pub(crate) fn misfits(kind: &str, event: &Value) -> Vec<String> {
    let Some((_, fields)) = EVENTS.iter().find(|(name, _)| *name == kind) else {
        return Vec::new();
    };
    let mut found = unfit(event, fields, "");
    // In other events it is a field that the schema says nothing of.
    let of_lifecycle = fields.iter().any(|(name, _, _)| *name == "response");
    let response = event.get("response").filter(|_| of_lifecycle);
    if let Some(response) = response.filter(|value| value.is_object()) {
        found.extend(unfit(response, RESPONSE, "response."));
    }
    found
}

fn unfit(object: &Value, fields: &[Field], path: &str) -> Vec<String> {
    let wrong = |(name, must, fits): &&Field| match object.get(name) {
        None => *must,
        Some(value) => !fits(value),
    };
    let wrong = fields.iter().filter(wrong);
    wrong.map(|(name, _, _)| format!("{path}{name}")).collect()
}

fn has(object: &Value, fields: &[Field]) -> bool {
    object.is_object() && unfit(object, fields, "").is_empty()
}

// JSON knows no integers: 7.0 is one.
fn integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn any(_: &Value) -> bool {
    true
}

fn text_or_null(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

fn integer_or_null(value: &Value) -> bool {
    integer(value) || value.is_null()
}

fn flag_or_null(value: &Value) -> bool {
    value.is_boolean() || value.is_null()
}

fn one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

fn all(value: &Value, fits: Check) -> bool {
    value
        .as_array()
        .is_some_and(|values| values.iter().all(fits))
}

const RESPONSE: &[Field] = &[
    ("id", MUST, Value::is_string),
    ("object", MUST, |value| value == "response"),
    ("created_at", MUST, integer),
    ("completed_at", MUST, integer_or_null),
    ("status", MUST, Value::is_string),
    ("incomplete_details", MUST, |value| {
        value.is_null() || has(value, &[("reason", MUST, Value::is_string)])
    }),
    ("model", MUST, Value::is_string),
    ("previous_response_id", MUST, text_or_null),
    ("instructions", MUST, text_or_null),
    ("output", MUST, |value| all(value, item)),
    ("error", MUST, |value| {
        value.is_null()
            || has(
                value,
                &[
                    ("code", MUST, Value::is_string),
                    ("message", MUST, Value::is_string),
                ],
            )
    }),
    ("tools", MUST, |value| all(value, tool)),
    ("tool_choice", MUST, tool_choice),
    ("truncation", MUST, |value| {
        one_of(value, &["auto", "disabled"])
    }),
    ("parallel_tool_calls", MUST, Value::is_boolean),
    ("text", MUST, |value| {
        let verbosity: Check = |value| one_of(value, &["low", "medium", "high"]);
        has(
            value,
            &[("format", MUST, format), ("verbosity", MAY, verbosity)],
        )
    }),
    ("top_p", MUST, Value::is_number),
    ("presence_penalty", MUST, Value::is_number),
    ("frequency_penalty", MUST, Value::is_number),
    ("top_logprobs", MUST, integer),
    ("temperature", MUST, Value::is_number),
    ("reasoning", MUST, |value| {
        value.is_null() || has(value, REASONING)
    }),
    ("usage", MUST, |value| value.is_null() || has(value, USAGE)),
    ("max_output_tokens", MUST, integer_or_null),
    ("max_tool_calls", MUST, integer_or_null),
    ("store", MUST, Value::is_boolean),
    ("background", MUST, Value::is_boolean),
    ("service_tier", MUST, Value::is_string),
    ("metadata", MUST, any),
    ("safety_identifier", MUST, text_or_null),
    ("prompt_cache_key", MUST, text_or_null),
];

const REASONING: &[Field] = &[
    ("effort", MUST, |value| {
        value.is_null() || one_of(value, &["none", "low", "medium", "high", "xhigh"])
    }),
    ("summary", MUST, |value| {
        value.is_null() || one_of(value, &["concise", "detailed", "auto"])
    }),
];

const USAGE: &[Field] = &[
    ("input_tokens", MUST, integer),
    ("output_tokens", MUST, integer),
    ("total_tokens", MUST, integer),
    ("input_tokens_details", MUST, |value| {
        has(value, &[("cached_tokens", MUST, integer)])
    }),
    ("output_tokens_details", MUST, |value| {
        has(value, &[("reasoning_tokens", MUST, integer)])
    }),
];

fn tool(value: &Value) -> bool {
    let parameters: Check = |value| value.is_object() || value.is_null();
    match value["type"].as_str() {
        Some("function") => has(
            value,
            &[
                ("name", MUST, Value::is_string),
                ("description", MUST, text_or_null),
                ("parameters", MUST, parameters),
                ("strict", MUST, flag_or_null),
            ],
        ),
        name => name.is_some_and(is_vendors),
    }
}

fn tool_choice(value: &Value) -> bool {
    let chosen: Check = |value| match value["type"].as_str() {
        Some("function") => has(value, &[("name", MAY, Value::is_string)]),
        name => name.is_some_and(is_vendors),
    };
    let mode: Check = |value| one_of(value, &["none", "auto", "required"]);
    match value["type"].as_str() {
        None => mode(value),
        Some("allowed_tools") => {
            let tools: Check = |value| {
                all(value, |tool| {
                    tool["type"] == "function" || tool["type"].as_str().is_some_and(is_vendors)
                })
            };
            has(value, &[("tools", MUST, tools), ("mode", MUST, mode)])
        }
        Some(_) => chosen(value),
    }
}

fn format(value: &Value) -> bool {
    match value["type"].as_str() {
        Some("text" | "json_object") => true,
        Some("json_schema") => has(
            value,
            &[
                ("name", MUST, Value::is_string),
                ("description", MUST, text_or_null),
                ("schema", MUST, Value::is_null),
                ("strict", MUST, Value::is_boolean),
            ],
        ),
        name => name.is_some_and(is_vendors),
    }
}

/// Every item has `id`, `type` and `status`, whoever defines it.
pub(crate) fn item(value: &Value) -> bool {
    let status: Check = |value| one_of(value, &["in_progress", "completed", "incomplete"]);
    let parts: Check = |value| all(value, part);
    let named = has(
        value,
        &[
            ("id", MUST, Value::is_string),
            ("status", MUST, Value::is_string),
        ],
    );
    named
        && match value["type"].as_str() {
            Some("message") => has(
                value,
                &[
                    ("status", MUST, status),
                    ("role", MUST, |value| {
                        one_of(value, &["user", "assistant", "system", "developer"])
                    }),
                    ("content", MUST, parts),
                    ("phase", MAY, |value| {
                        one_of(value, &["commentary", "final_answer"])
                    }),
                ],
            ),
            Some("function_call") => has(
                value,
                &[
                    ("status", MUST, status),
                    ("call_id", MUST, Value::is_string),
                    ("name", MUST, Value::is_string),
                    ("arguments", MUST, Value::is_string),
                ],
            ),
            Some("function_call_output") => has(
                value,
                &[
                    ("status", MUST, status),
                    ("call_id", MUST, Value::is_string),
                    ("output", MUST, |value| {
                        value.is_string() || all(value, part)
                    }),
                ],
            ),
            Some("reasoning") => has(
                value,
                &[
                    ("summary", MUST, parts),
                    ("content", MAY, parts),
                    ("encrypted_content", MAY, Value::is_string),
                ],
            ),
            Some("compaction") => has(
                value,
                &[
                    ("encrypted_content", MUST, Value::is_string),
                    ("created_by", MAY, Value::is_string),
                ],
            ),
            name => name.is_some_and(is_vendors),
        }
}

fn part(value: &Value) -> bool {
    let text: &[Field] = &[("text", MUST, Value::is_string)];
    match value["type"].as_str() {
        Some("output_text") => has(
            value,
            &[
                ("text", MUST, Value::is_string),
                ("annotations", MUST, |value| all(value, annotation)),
                ("logprobs", MAY, |value| all(value, logprob)),
            ],
        ),
        Some("refusal") => has(value, &[("refusal", MUST, Value::is_string)]),
        Some("text" | "summary_text" | "reasoning_text" | "input_text") => has(value, text),
        Some("input_image") => has(
            value,
            &[
                ("image_url", MUST, text_or_null),
                ("detail", MUST, |value| {
                    one_of(value, &["low", "high", "auto"])
                }),
            ],
        ),
        Some("input_file") => has(
            value,
            &[
                ("filename", MAY, Value::is_string),
                ("file_url", MAY, Value::is_string),
            ],
        ),
        Some("input_video") => has(value, &[("video_url", MUST, Value::is_string)]),
        name => name.is_some_and(is_vendors),
    }
}

fn annotation(value: &Value) -> bool {
    match value["type"].as_str() {
        Some("url_citation") => has(
            value,
            &[
                ("url", MUST, Value::is_string),
                ("start_index", MUST, integer),
                ("end_index", MUST, integer),
                ("title", MUST, Value::is_string),
            ],
        ),
        name => name.is_some_and(is_vendors),
    }
}

fn token(value: &Value) -> bool {
    has(
        value,
        &[
            ("token", MUST, Value::is_string),
            ("logprob", MUST, Value::is_number),
            ("bytes", MUST, |value| all(value, integer)),
        ],
    )
}

fn logprob(value: &Value) -> bool {
    token(value) && has(value, &[("top_logprobs", MUST, |value| all(value, token))])
}

const LIFECYCLE: &[Field] = &[("response", MUST, Value::is_object)];
const ITEM: &[Field] = &[
    ("output_index", MUST, integer),
    ("item", MUST, |value| value.is_null() || item(value)),
];
const INDEX: Field = ("output_index", MUST, integer);
const ID: Field = ("item_id", MUST, Value::is_string);
const CONTENT: Field = ("content_index", MUST, integer);
const SUMMARY: Field = ("summary_index", MUST, integer);
const DELTA: Field = ("delta", MUST, Value::is_string);
const PADDING: Field = ("obfuscation", MAY, Value::is_string);
const LOGPROBS: Field = ("logprobs", MAY, |value| all(value, logprob));
const TEXT: Field = ("text", MUST, Value::is_string);
const PART: Field = ("part", MUST, part);

/// Every event, with its fields besides `type` and `sequence_number`.
const EVENTS: &[(&str, &[Field])] = &[
    ("response.created", LIFECYCLE),
    ("response.queued", LIFECYCLE),
    ("response.in_progress", LIFECYCLE),
    ("response.completed", LIFECYCLE),
    ("response.failed", LIFECYCLE),
    ("response.incomplete", LIFECYCLE),
    ("response.output_item.added", ITEM),
    ("response.output_item.done", ITEM),
    (
        "response.reasoning_summary_part.added",
        &[ID, INDEX, SUMMARY, PART],
    ),
    (
        "response.reasoning_summary_part.done",
        &[ID, INDEX, SUMMARY, PART],
    ),
    ("response.content_part.added", &[ID, INDEX, CONTENT, PART]),
    ("response.content_part.done", &[ID, INDEX, CONTENT, PART]),
    (
        "response.output_text.delta",
        &[ID, INDEX, CONTENT, DELTA, LOGPROBS, PADDING],
    ),
    (
        "response.output_text.done",
        &[ID, INDEX, CONTENT, TEXT, LOGPROBS],
    ),
    ("response.refusal.delta", &[ID, INDEX, CONTENT, DELTA]),
    (
        "response.refusal.done",
        &[ID, INDEX, CONTENT, ("refusal", MUST, Value::is_string)],
    ),
    (
        "response.reasoning.delta",
        &[ID, INDEX, CONTENT, DELTA, PADDING],
    ),
    ("response.reasoning.done", &[ID, INDEX, CONTENT, TEXT]),
    (
        "response.reasoning_summary_text.delta",
        &[ID, INDEX, SUMMARY, DELTA, PADDING],
    ),
    (
        "response.reasoning_summary_text.done",
        &[ID, INDEX, SUMMARY, TEXT],
    ),
    (
        "response.output_text.annotation.added",
        &[
            ID,
            INDEX,
            CONTENT,
            ("annotation_index", MUST, integer),
            ("annotation", MUST, |value| {
                value.is_null() || annotation(value)
            }),
        ],
    ),
    (
        "response.function_call_arguments.delta",
        &[ID, INDEX, DELTA, PADDING],
    ),
    (
        "response.function_call_arguments.done",
        &[ID, INDEX, ("arguments", MUST, Value::is_string)],
    ),
    (
        "error",
        &[("error", MUST, |value| {
            has(
                value,
                &[
                    ("type", MUST, Value::is_string),
                    ("code", MUST, text_or_null),
                    ("message", MUST, Value::is_string),
                    ("param", MUST, text_or_null),
                    ("headers", MAY, Value::is_object),
                ],
            )
        })],
    ),
];
