//! From the settings to what the client takes.

use respair_client::{Endpoint, Fallback, RecoveryMode, TurnRequest};
use respair_core::{Code, Limits};
use serde_json::{Value, json};

use crate::agent::attach::Attached;
use crate::config::{self, Mode, Settings};

/// What a turn without instructions of its own says: endpoints of the Codex kind refuse a request without any.
const INSTRUCTIONS: &str = "You are a helpful assistant.";

/// The endpoint as the client takes it.
pub(crate) fn endpoint(settings: &Settings) -> Endpoint {
    let o = &settings.options;
    let mut endpoint = match settings.provider.is_native() {
        true => Endpoint::native(settings.provider.name(), settings.base_url.clone()),
        false => Endpoint::custom(settings.base_url.clone()),
    };
    endpoint.provider = settings.provider.name().to_owned();
    endpoint.api_key = settings.api_key.clone();
    endpoint.key_source = settings.key_source.clone();
    endpoint.extra_headers = settings.extra_headers.clone();
    if let Some(body) = &o.extra_body {
        endpoint.extra_body = body.value.sent.clone();
    }
    for name in o.drop_fields.iter().flat_map(|f| &f.value) {
        endpoint.extra_body.insert(name.clone(), Value::Null);
    }
    set(&mut endpoint.refused_tools, &o.refused_tools, Vec::clone);
    endpoint.ssl_ca_cert = o.ssl_ca_cert.as_ref().map(|p| p.value.clone());
    set(&mut endpoint.ssl_verify, &o.ssl_verify, |v| *v);
    set(&mut endpoint.cumulative_deltas, &o.cumulative_deltas, |v| {
        *v
    });
    let timeouts = &mut endpoint.timeouts;
    set(&mut timeouts.connect, &o.connect, |v| *v);
    set(&mut timeouts.first_byte, &o.first_byte, |v| *v);
    set(&mut timeouts.idle, &o.idle, |v| *v);
    set(&mut timeouts.progress, &o.progress, |v| *v);
    let mut limits = Limits::default();
    if let Some(frame) = &o.frame {
        limits = limits.with_frame(usize::try_from(frame.value).unwrap_or(usize::MAX));
    }
    if let Some(response) = &o.response {
        limits = limits.with_response(usize::try_from(response.value).unwrap_or(usize::MAX));
    }
    if let Some(drain) = &o.drain {
        limits = limits.with_drain(drain.value);
    }
    endpoint.limits = limits;
    let recovery = &mut endpoint.recovery;
    set(&mut recovery.mode, &o.mode, |mode| match mode {
        Mode::RetryThenFallback => RecoveryMode::RetryThenFallback,
        Mode::Inline => RecoveryMode::Inline,
        Mode::Strict => RecoveryMode::Strict,
    });
    set(&mut recovery.strict_retries, &o.strict_retries, |v| *v);
    set(
        &mut recovery.fallback,
        &o.fallback,
        |fallback| match fallback {
            config::Fallback::InHand => Fallback::InHand,
            config::Fallback::Request => Fallback::Request,
        },
    );
    set(&mut recovery.max_requests, &o.max_requests, |v| *v);
    // Names were checked when they were read.
    set(&mut recovery.without, &o.without, |codes| {
        codes.iter().filter_map(|code| Code::parse(code)).collect()
    });
    // What is no rule of streams is about requests.
    set(&mut endpoint.requests_without, &o.without, |codes| {
        let of_requests = codes.iter().filter(|code| Code::parse(code).is_none());
        of_requests.map(|code| code.replace('_', "-")).collect()
    });
    endpoint
}

fn set<T, U>(to: &mut U, from: &Option<config::Sourced<T>>, convert: impl FnOnce(&T) -> U) {
    if let Some(from) = from {
        *to = convert(&from.value);
    }
}

/// The request for one prompt. A list of items is the form that every endpoint takes; some refuse a bare string.
pub(super) fn request(settings: &Settings, prompt: &str, files: Vec<Attached>) -> TurnRequest {
    let o = &settings.options;
    let mut content = vec![json!({ "type": "input_text", "text": prompt })];
    content.extend(files.into_iter().map(|file| file.part));
    let input = json!([{ "type": "message", "role": "user", "content": content }]);
    let mut request = TurnRequest::new(settings.model.clone(), input);
    request.instructions = Some(INSTRUCTIONS.to_owned());
    request.reasoning_effort = o.reasoning_effort.as_ref().map(|v| v.value.clone());
    request.reasoning_summary = o.reasoning_summary.as_ref().map(|v| v.value.clone());
    request.max_output_tokens = o.max_output_tokens.as_ref().map(|v| v.value);
    request
}
