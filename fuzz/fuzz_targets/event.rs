#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| respair_mutations::properties::event(bytes));
