//! Styles are meanings, mapped once to colours that can be read on light and dark backgrounds.

use std::fmt;

use anstyle::{AnsiColor, Style as Ansi};

use crate::host::Host;
use crate::kubeai::verdict::State;

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Good,
    Warning,
    Bad,
    Name,
    Dim,
}

impl Style {
    /// Returns what the state of a model means to people.
    pub fn of(state: State) -> Style {
        match state {
            state if state.is_reached() => Style::Good,
            state if state.is_definite_failure() || state == State::NoCapacity => Style::Bad,
            _ => Style::Warning,
        }
    }
}

/// The colours of one stream, or none.
#[derive(Clone, Copy, Debug)]
pub struct Styles {
    colored: bool,
}

impl Styles {
    pub const PLAIN: Styles = Styles { colored: false };

    /// `--color` decides, then NO_COLOR, then FORCE_COLOR or CLICOLOR_FORCE, then whether the stream is a terminal.
    pub fn new(color: Color, terminal: bool, host: &Host) -> Self {
        let forced = || {
            ["FORCE_COLOR", "CLICOLOR_FORCE"]
                .iter()
                .any(|name| host.var(name).is_some_and(|value| value != "0"))
        };
        let colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => host.var("NO_COLOR").is_none() && (terminal || forced()),
        };
        Styles { colored }
    }

    pub fn colored(&self) -> bool {
        self.colored
    }

    pub fn paint(&self, style: Style, text: impl fmt::Display) -> String {
        if !self.colored {
            return text.to_string();
        }
        let ansi = match style {
            Style::Good => Ansi::new().fg_color(Some(AnsiColor::Green.into())),
            Style::Warning => Ansi::new().fg_color(Some(AnsiColor::Yellow.into())),
            Style::Bad => Ansi::new().fg_color(Some(AnsiColor::Red.into())).bold(),
            Style::Name => Ansi::new().bold(),
            Style::Dim => Ansi::new().dimmed(),
        };
        format!("{}{text}{}", ansi.render(), ansi.render_reset())
    }
}
