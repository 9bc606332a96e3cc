//! The terminal event, and what comes in its place.

use serde_json::{Value, json};

use super::identity::is_terminal;
use super::{Ends, Operator, TERMINALS, breaks, legal, replace};
use crate::said::Content;
use crate::wire::{Piece, Wire};

pub(super) const OPERATORS: &[Operator] = &[
    breaks("terminal-missing", "no terminal", |wire, _| drop_terminal(wire))
        .loses(Content::ALL)
        .ends(Ends::Failed),
    breaks("terminal-missing", "[DONE] for a terminal", |wire, _| {
        drop_terminal(wire);
        wire.pieces.push(Piece::raw("data: [DONE]\n\n"));
    })
    .loses(Content::ALL)
    .ends(Ends::Failed),
    breaks("terminal-missing", "cut in the middle", |wire, dice| {
        let half = wire.pieces.len() / 2;
        let keep = half + dice.below(wire.pieces.len() - half);
        wire.pieces.truncate(keep);
        wire.framing.cut = 9;
    })
    .loses(Content::ALL)
    .ends(Ends::Failed),
    legal("[DONE] at the end", |wire, _| wire.pieces.push(Piece::raw("data: [DONE]\n\n"))),
    breaks("event-after-terminal", "the terminal comes twice", |wire, _| {
        if let Some(last) = wire.pieces.last().cloned() {
            wire.pieces.push(last);
        }
    }),
    breaks("event-after-terminal", "an event comes behind the terminal", |wire, _| {
        let late = json!({"type": "response.output_text.delta", "delta": " late", "output_index": 0, "content_index": 0});
        wire.pieces.push(Piece::event(late));
    }),
    breaks("terminal-alias", "response.done for completed", |wire, _| {
        wire.each_of(&[TERMINALS[0]], |data| data["type"] = json!("response.done"));
    }),
    breaks("terminal-status-mismatch", "the terminal says in_progress", |wire, _| {
        on_response(wire, |response| replace(response, "status", "in_progress"));
    }),
    breaks("terminal-status-mismatch", "the terminal says failed", |wire, _| {
        on_response(wire, |response| replace(response, "status", "failed"));
    })
    .loses(Content::ALL)
    .ends(Ends::Failed),
    breaks("terminal-output-missing", "the terminal's output is empty", |wire, _| {
        on_response(wire, |response| replace(response, "output", json!([])));
    }),
    breaks("terminal-output-missing", "the terminal's output is null", |wire, _| {
        on_response(wire, |response| replace(response, "output", Value::Null));
    }),
    breaks("terminal-output-missing", "the terminal has no output", |wire, _| {
        on_response(wire, |response| super::remove(response, "output"));
    }),
    breaks("terminal-output-missing", "the terminal's output is turned round", |wire, _| {
        on_response(wire, |response| {
            if let Some(output) = response["output"].as_array_mut() {
                output.reverse();
            }
        });
    }),
    breaks("terminal-output-missing", "the terminal's output lacks its first item", |wire, _| {
        on_response(wire, |response| {
            if let Some(output) = response["output"].as_array_mut().filter(|list| !list.is_empty()) {
                output.remove(0);
            }
        });
    }),
    breaks("response-object-missing", "the terminal has no response", |wire, _| {
        wire.each(|data| {
            if is_terminal(data) {
                super::remove(data, "response");
            }
        });
    })
    .loses(&[Content::Usage]),
    breaks("terminal-output-missing", "everything comes only in the terminal", |wire, _| {
        wire.pieces.retain(|piece| piece.data().is_none_or(|data| data.get("response").is_some()));
    }),
    breaks("usage-incomplete", "usage by its chat names", |wire, _| {
        on_response(wire, |response| {
            if response["usage"].is_object() {
                response["usage"] = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
            }
        });
    })
    .loses(&[Content::Usage]),
    breaks("usage-incomplete", "usage without details", |wire, _| {
        on_response(wire, |response| {
            if response["usage"].is_object() {
                response["usage"] = json!({"input_tokens": 11, "input_tokens_details": {}, "output_tokens": 7, "output_tokens_details": {}, "total_tokens": 18});
            }
        });
    })
    .loses(&[Content::Usage]),
    breaks("usage-incomplete", "half a usage", |wire, _| {
        on_response(wire, |response| {
            if response["usage"].is_object() {
                response["usage"] = json!({"input_tokens": 11});
            }
        });
    })
    .loses(&[Content::Usage]),
    breaks("error-shape", "an error in the middle", |wire, dice| {
        // Before the terminal event, wherever that is by now.
        let end = wire.places_that(|piece| TERMINALS.contains(&piece.kind()));
        let last = end.first().map_or(wire.pieces.len(), |at| *at);
        let at = 1.min(last) + dice.below(last.saturating_sub(1));
        let flat = json!({"type": "error", "code": "server_error", "message": "the oven is cold", "param": null});
        let nested = json!({"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "the oven is cold"}});
        let error = if dice.below(2) == 0 { flat } else { nested };
        wire.pieces.insert(at, Piece::event(error));
    })
    .loses(Content::ALL)
    .ends(Ends::Failed),
    breaks("response-fields-missing", "response.failed without an error", |wire, _| {
        wire.each_of(&[TERMINALS[0], "response.done"], |data| {
            data["type"] = json!("response.failed");
            replace(&mut data["response"], "status", "failed");
        });
    })
    .loses(Content::ALL)
    .ends(Ends::Failed),
];

fn drop_terminal(wire: &mut Wire) {
    wire.pieces
        .retain(|piece| piece.data().is_none_or(|data| !is_terminal(data)));
}

fn on_response(wire: &mut Wire, mut change: impl FnMut(&mut Value)) {
    wire.each(|data| {
        if is_terminal(data)
            && let Some(response) = data.get_mut("response")
        {
            change(response);
        }
    });
}
