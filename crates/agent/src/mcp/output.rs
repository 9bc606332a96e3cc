//! What a server's tool gave, as the model is told it: bounded, without control sequences.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Value, json};

use crate::ToolOutput;
use crate::tools::output::Kept;

/// Bytes of text that the model is given, all told.
const TEXT: usize = 32 << 10;
/// Bytes of an image's base64.
const IMAGE: usize = 1_400_000;
/// Images of one result.
const IMAGES: usize = 4;

/// The result of a call.
pub(super) fn told(result: &CallToolResult) -> ToolOutput {
    let mut text = Kept::new(TEXT);
    let mut images = Vec::new();
    for block in &result.content {
        match block {
            ContentBlock::Text(block) => line(&mut text, &block.text),
            ContentBlock::Image(image) if !is_image(&image.mime_type, &image.data) => {
                line(&mut text, "[an image that is none is left out]");
            }
            ContentBlock::Image(image) if image.data.len() <= IMAGE && images.len() < IMAGES => {
                let url = format!("data:{};base64,{}", image.mime_type, image.data);
                images.push(json!({"type": "input_image", "image_url": url, "detail": "auto"}));
            }
            ContentBlock::Image(image) => {
                line(
                    &mut text,
                    &format!("[an image of {} bytes is left out]", image.data.len()),
                );
            }
            ContentBlock::Audio(_) => line(&mut text, "[sound is left out]"),
            ContentBlock::Resource(resource) => match &resource.resource {
                ResourceContents::TextResourceContents {
                    uri, text: content, ..
                } => {
                    line(&mut text, &format!("[{uri}]"));
                    line(&mut text, content);
                }
                ResourceContents::BlobResourceContents { uri, blob, .. } => {
                    line(
                        &mut text,
                        &format!("[{uri}: {} bytes of base64 are left out]", blob.len()),
                    );
                }
                _ => line(&mut text, "[something unknown is left out]"),
            },
            ContentBlock::ResourceLink(link) => line(&mut text, &format!("[{}]", link.uri)),
            #[allow(unreachable_patterns, reason = "a later version may have more")]
            _ => line(&mut text, "[something unknown is left out]"),
        }
    }
    if let (true, Some(value)) = (result.content.is_empty(), &result.structured_content) {
        line(&mut text, &value.to_string());
    }
    let failed = result.is_error == Some(true);
    let bytes = text.total();
    let text = text.text();
    let text = text.trim_end_matches('\n').to_owned();
    let summary = match (failed, images.len()) {
        (true, _) => text.lines().next().unwrap_or("failed").to_owned(),
        (false, 0) => format!("{bytes} bytes"),
        (false, count) => format!("{bytes} bytes, {count} images"),
    };
    let content = match images.is_empty() {
        true => Value::String(text),
        false => {
            let mut parts = vec![json!({"type": "input_text", "text": text})];
            parts.retain(|part| part["text"] != "");
            parts.extend(images);
            Value::Array(parts)
        }
    };
    ToolOutput {
        content,
        failed,
        summary,
    }
}

/// Whether an endpoint takes this: one that it refuses stays in the conversation and is refused with every request to come.
fn is_image(kind: &str, data: &str) -> bool {
    let known = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    known.contains(&kind)
        && !data.is_empty()
        && (data.len() > IMAGE || STANDARD.decode(data).is_ok())
}

fn line(text: &mut Kept, line: &str) {
    text.push(line.as_bytes());
    text.push(b"\n");
}
