//! What several files of tests share.

pub mod desk;
pub mod flow;
#[allow(dead_code)]
pub mod language;
pub mod mutate;
pub mod proof;
#[allow(dead_code, clippy::disallowed_methods)]
pub mod record;
pub mod revalue;
#[allow(dead_code)]
pub mod stage;
pub mod twins;
