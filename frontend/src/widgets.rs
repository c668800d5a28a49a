//! Small pieces that know nothing of runs: icons, notices, dialogs, bars.

pub(crate) mod dialog;
pub(crate) mod empty;
pub(crate) mod icon;
pub(crate) mod notice;
pub(crate) mod share_bar;
pub(crate) mod sparkline;
pub(crate) mod tile;
