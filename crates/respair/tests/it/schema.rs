//! As much of JSON Schema as the schemas in docs use: enough to hold the output against it without a crate of a
//! hundred others.

use serde_json::Value;

/// Why `value` does not follow `schema`; `None` when it does.
pub fn fault(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fault = match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" => None,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                fault(root, &root["$defs"][name], value)
            }
            "oneOf" => {
                let faults: Vec<_> = rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| fault(root, s, value))
                    .collect();
                let fitting = faults.iter().filter(|f| f.is_none()).count();
                (fitting != 1).then(|| format!("{fitting} of oneOf fit: {faults:?}"))
            }
            "type" => {
                let types = rule
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![rule.clone()]);
                (!types.iter().any(|t| is(value, t.as_str().unwrap())))
                    .then(|| format!("{value} is no {rule}"))
            }
            "const" => (rule != value).then(|| format!("{value} is not {rule}")),
            "enum" => (!rule.as_array().unwrap().contains(value))
                .then(|| format!("{value} is none of {rule}")),
            "properties" => value.as_object().and_then(|object| {
                object.iter().find_map(|(name, value)| {
                    fault(root, rule.get(name)?, value).map(|f| format!("{name}: {f}"))
                })
            }),
            "required" => value.as_object().and_then(|object| {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .find(|n| !object.contains_key(n.as_str().unwrap()))
                    .map(|n| format!("{n} is missing"))
            }),
            "additionalProperties" => value.as_object().and_then(|object| {
                object
                    .keys()
                    .find(|n| schema["properties"].get(n).is_none())
                    .map(|n| format!("{n} is unknown"))
            }),
            "items" => value
                .as_array()
                .and_then(|items| items.iter().find_map(|item| fault(root, rule, item))),
            other => panic!("the schema uses {other}, which this reader does not know"),
        };
        if fault.is_some() {
            return fault;
        }
    }
    None
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the schema uses the type {other}"),
    }
}
