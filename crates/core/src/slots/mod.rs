//! The items of a response as the stream builds them: one slot an item, by output index.
//!
//! Both the [`Model`](crate::model::Model) that judges and the [`Accumulator`](crate::Accumulator) that collects stand
//! on this. A slot is found by its output index first, then by item id, then as the last open item of the right type:
//! indices are what relays keep stable when they rotate ids (DEVIATIONS 2.1).

mod build;
mod commit;
mod payload;
mod recut;
mod resolve;
mod seed;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::schema::bare;

pub(crate) use payload::{Lost, Told, payload_field, payload_text};
pub(crate) use resolve::{Address, want};
pub(crate) use text::TextKind;

use crate::json::GrowingObject;

/// The types of item whose inner events are followed; the others are carried whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemType {
    Message,
    Reasoning,
    FunctionCall,
    CustomToolCall,
    Other,
}

impl ItemType {
    pub(crate) fn from_name(name: &str) -> Self {
        match bare(name) {
            "message" => Self::Message,
            "reasoning" => Self::Reasoning,
            "function_call" => Self::FunctionCall,
            "custom_tool_call" => Self::CustomToolCall,
            _ => Self::Other,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Reasoning => "reasoning",
            Self::FunctionCall => "function_call",
            Self::CustomToolCall => "custom_tool_call",
            Self::Other => "",
        }
    }

    /// The prefix of such an item's id; the official API refuses others when an item is replayed.
    pub(crate) fn id_prefix(self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::Reasoning => "rs",
            Self::FunctionCall => "fc",
            Self::CustomToolCall => "ctc",
            Self::Other => "item",
        }
    }

    pub(crate) fn is_call(self) -> bool {
        matches!(self, Self::FunctionCall | Self::CustomToolCall)
    }

    /// The lists of parts that such an item has.
    pub(crate) fn lists(self) -> &'static [TextKind] {
        match self {
            Self::Message => &[TextKind::Output],
            Self::Reasoning => &[TextKind::Summary, TextKind::Reasoning],
            Self::FunctionCall | Self::CustomToolCall | Self::Other => &[],
        }
    }

    /// Such an item is made of parts.
    pub(crate) fn has_parts(self) -> bool {
        !self.lists().is_empty()
    }

    /// The field of a call's item that holds its arguments or input.
    pub(crate) fn payload_field(self) -> &'static str {
        if self == Self::CustomToolCall {
            "input"
        } else {
            "arguments"
        }
    }
}

/// One content part, or one part of a reasoning summary.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its `content_index` or `summary_index` downstream.
    pub(crate) index: u64,
    /// What text it holds; `None` for a part that is carried whole.
    pub(crate) kind: Option<TextKind>,
    /// The part as it was added, as raw JSON.
    pub(crate) raw: String,
    /// What was delivered of it.
    pub(crate) text: String,
    /// What it was added with, where that is not shown until a delta or done tells whether it comes again.
    pub(crate) seed: String,
    /// What of it was taken from a done event and sent as a delta: the upstream's own deltas may still bring it.
    pub(crate) owed: String,
    /// Annotations that came as events, as raw JSON.
    pub(crate) annotations: Vec<String>,
    pub(crate) text_done: bool,
    pub(crate) done: bool,
    /// It was added without a `type`; its kind is what its event stands for.
    pub(crate) untyped: bool,
    /// Its index as the upstream writes it.
    pub(crate) upstream_index: u64,
    /// It was made for text that came too early; its own added event may still come.
    pub(crate) made_up: bool,
    /// It was added once more: a delta that comes now begins another part under its index, anything else is its own.
    pub(crate) again: bool,
}

/// One output item.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Its output index downstream.
    pub(crate) index: u64,
    /// Its output index as the upstream writes it; `None` where it leaves it out.
    pub(crate) upstream_index: Option<u64>,
    /// Its id downstream.
    pub(crate) id: Option<String>,
    /// The id that the upstream added it with, where that is another one.
    pub(crate) upstream_id: Option<String>,
    pub(crate) kind: ItemType,
    pub(crate) type_name: String,
    pub(crate) call_id: Option<String>,
    pub(crate) name: Option<String>,
    /// The item as it was added, as raw JSON.
    pub(crate) added: String,
    /// `content` for messages, reasoning text for reasoning.
    pub(crate) content: Vec<Part>,
    /// The parts of a reasoning summary.
    pub(crate) summary: Vec<Part>,
    /// A call's arguments or input, as delivered.
    pub(crate) payload: String,
    /// Whether that can still become a JSON object.
    pub(crate) growing: GrowingObject,
    /// A call's deltas are no longer given on.
    pub(crate) lost: Option<Lost>,
    /// A call's done event confirms the deltas that are no JSON.
    pub(crate) confirmed: bool,
    pub(crate) payload_done: bool,
    /// The item as it was closed, as raw JSON.
    pub(crate) done: Option<String>,
    /// It was closed by an event with its own output index: what openai-python looks at.
    pub(crate) done_at_index: bool,
    /// No `output_item.added` of the upstream's own was seen.
    pub(crate) made_up: bool,
    /// A call whose name is not known: nothing of it was sent downstream, and it has no index there yet.
    pub(crate) held: bool,
    /// A hosted tool's event said that it failed.
    pub(crate) failed: bool,
    /// A call that was added under the call id of another one: it is held until it is known to be another.
    pub(crate) rival: bool,
    /// A call that was only another one again: it is not there.
    pub(crate) repeated: bool,
    /// The call id that the upstream gave it, where another call had it already.
    pub(crate) upstream_call_id: Option<String>,
    /// The item as the upstream added it, where it held text that waits.
    pub(crate) prefilled: Option<String>,
    /// The arguments or input that a call was added with, where they wait.
    pub(crate) payload_seed: String,
    /// As added: a message without a `content` array, a call without an `arguments` string.
    pub(crate) lacks_body: bool,
    /// Its `added` went downstream without an output index, which openai-python allows for one item.
    pub(crate) indexless: bool,
    /// It goes by another index or id downstream than upstream: each of its events is readdressed.
    pub(crate) moved: bool,
    /// Something of it was not kept, because a limit was passed.
    pub(crate) partial: bool,
}

impl Slot {
    /// Takes back what the item already holds: it counts as delivered only when it is closed.
    pub(crate) fn forget(&mut self) {
        self.content.clear();
        self.summary.clear();
        self.payload.clear();
        self.prefilled = None;
        self.payload_seed.clear();
    }

    /// The output index that its events carry downstream.
    pub(crate) fn shown_index(&self) -> Option<u64> {
        (!self.indexless).then_some(self.index)
    }

    /// OpenAI's types, and so every client that was made from them, require the item's status. Of the hosted tools some
    /// have one that may be left out.
    pub(crate) fn needs_status(&self) -> bool {
        const HOSTED: [&str; 8] = [
            "apply_patch_call",
            "code_interpreter_call",
            "computer_call",
            "file_search_call",
            "image_generation_call",
            "local_shell_call",
            "shell_call",
            "web_search_call",
        ];
        match self.kind {
            ItemType::Message | ItemType::FunctionCall | ItemType::CustomToolCall => true,
            ItemType::Reasoning => false,
            ItemType::Other => HOSTED.contains(&bare(&self.type_name)),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.done.is_none()
    }

    pub(crate) fn parts(&self, kind: TextKind) -> &Vec<Part> {
        if kind == TextKind::Summary {
            &self.summary
        } else {
            &self.content
        }
    }

    pub(crate) fn parts_mut(&mut self, kind: TextKind) -> &mut Vec<Part> {
        if kind == TextKind::Summary {
            &mut self.summary
        } else {
            &mut self.content
        }
    }

    /// For each part of `whole`, an item's own list: the position of the part here that it stands for, which is the
    /// same one among those of its kind.
    pub(crate) fn parts_like(&self, list: TextKind, whole: &[Part]) -> Vec<Option<usize>> {
        let of_kind = |part: &Part| part.kind.map_or(TextKind::COUNT, |kind| kind as usize);
        let mut here: [Vec<usize>; TextKind::COUNT + 1] = Default::default();
        for (at, part) in self.parts(list).iter().enumerate().rev() {
            here[of_kind(part)].push(at);
        }
        whole.iter().map(|part| here[of_kind(part)].pop()).collect()
    }

    /// The position of the part that the upstream addresses by this index.
    pub(crate) fn part_at(&self, kind: TextKind, index: u64) -> Option<usize> {
        let parts = self.parts(kind);
        let place = usize::try_from(index).ok().filter(|place| {
            parts
                .get(*place)
                .is_some_and(|part| part.upstream_index == index)
        });
        place.or_else(|| parts.iter().position(|part| part.upstream_index == index))
    }
}

/// What one event added, for whoever shows it live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Text was appended to a part, from this byte on.
    Text {
        slot: usize,
        kind: TextKind,
        part: usize,
        from: usize,
    },
    /// A call's arguments or input grew, from this byte on.
    Payload { slot: usize, from: usize },
    /// An item was closed.
    Done { slot: usize },
}

/// What a slot costs besides its texts, in bytes.
const SLOT: usize = 512;

/// What an id costs besides its letters, in bytes.
const ID: usize = 64;

/// All items of one response.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    pub(crate) list: Vec<Slot>,
    /// The newest slot that the upstream addresses by this index.
    by_index: BTreeMap<Option<u64>, usize>,
    /// Every id that the upstream used for a slot, and the one used downstream.
    by_id: HashMap<String, usize>,
    /// The output indices downstream of items that the upstream calls by another.
    moved_to: BTreeSet<u64>,
    last: usize,
    next_index: u64,
    /// Bytes of text that are kept.
    kept: usize,
    limit: usize,
    /// The limit was passed: text is no longer kept.
    pub(crate) overflowed: bool,
    pub(crate) changes: Vec<Change>,
    /// Text that an item or part is added with is not shown at once (ARCHITECTURE.md, what may wait).
    pub(crate) patient: bool,
}

impl Slots {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            by_index: BTreeMap::new(),
            by_id: HashMap::new(),
            moved_to: BTreeSet::new(),
            last: 0,
            next_index: 0,
            kept: 0,
            limit,
            overflowed: false,
            changes: Vec::new(),
            patient: false,
        }
    }

    /// The output index that the next item gets.
    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// An item that the upstream calls by another index stands at this one.
    pub(crate) fn was_moved_to(&self, index: Option<u64>) -> bool {
        index.is_some_and(|index| self.moved_to.contains(&index))
    }

    /// Adds a slot and makes it findable. Of an item for which there is no room any more only its names are kept.
    pub(crate) fn open(&mut self, mut slot: Slot) -> usize {
        let parts = slot.summary.iter().chain(&slot.content);
        let held: usize = parts.map(|part| part.raw.len() + part.text.len()).sum();
        if !self.keep(SLOT + slot.added.len() + slot.payload.len() + held) {
            slot.added = slot.names();
            slot.forget();
            slot.partial = true;
        }
        if self.patient {
            slot.summary
                .iter_mut()
                .chain(&mut slot.content)
                .for_each(Part::wait);
            if slot.payload_seed.is_empty() {
                slot.payload_seed = std::mem::take(&mut slot.payload);
                slot.growing = GrowingObject::default();
            }
        }
        if slot.moved && !slot.held {
            self.moved_to.insert(slot.index);
        }
        let at = self.list.len();
        if !slot.held {
            self.next_index = self.next_index.max(slot.index.saturating_add(1));
        }
        if at == 0 {
            // Most responses have one item.
            self.list.reserve_exact(1);
        }
        self.by_index.insert(slot.upstream_index, at);
        if let Some(id) = &slot.id {
            self.by_id.insert(id.clone(), at);
        }
        self.list.push(slot);
        self.last = at;
        at
    }

    /// A call that was held is sent now: it gets the next output index. To keep its own free for it would leave a gap
    /// for as long as it is held, and for good if it is never named.
    pub(crate) fn place(&mut self, at: usize) {
        self.list[at].index = self.next_index;
        self.list[at].held = false;
        self.moved_to.insert(self.next_index);
        self.next_index += 1;
    }

    /// Lets the upstream's own index and id lead to this slot.
    pub(crate) fn alias(&mut self, at: usize, index: Option<u64>, id: Option<&str>) {
        if index.is_some() && self.list[at].upstream_index.is_none() {
            self.by_index.entry(index).or_insert(at);
        }
        if let Some(id) = id.filter(|id| !id.is_empty() && !self.by_id.contains_key(*id)) {
            self.by_id.insert(id.to_owned(), at);
        }
    }

    /// An event that has no index was taken for this slot's: what else has its id is this slot's as well. Without room for
    /// one more id it is found as it was.
    pub(crate) fn note_id(&mut self, at: usize, id: Option<&str>) {
        let unknown = |id: &&str| !id.is_empty() && !self.by_id.contains_key(*id);
        if let Some(id) = id.filter(unknown)
            && self.keep(ID + id.len())
        {
            self.by_id.insert(id.to_owned(), at);
        }
    }

    /// From now on the upstream's index and id lead to this slot, whatever they led to before.
    pub(crate) fn redirect(&mut self, at: usize, index: Option<u64>, id: Option<&str>) {
        if index.is_some() {
            self.by_index.insert(index, at);
        }
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            self.by_id.insert(id.to_owned(), at);
        }
    }

    /// Whether so many bytes more may be kept; from the first refusal on none are.
    fn keep(&mut self, bytes: usize) -> bool {
        self.kept = self.kept.saturating_add(bytes);
        self.overflowed |= self.kept > self.limit;
        !self.overflowed
    }

    /// The slots in the order of their output index; what only repeats another is none.
    pub(crate) fn ordered(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.list.len())
            .filter(|at| !self.list[*at].repeated)
            .collect();
        order.sort_by_key(|&at| (self.list[at].index, at));
        order
    }
}
