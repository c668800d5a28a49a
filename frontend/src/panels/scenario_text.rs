//! The text of a scenario with its line numbers, and the list of everything that is wrong with it.

use shared::order;
use shared::problem::Problem;
use web_sys::{HtmlElement, HtmlTextAreaElement};

use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::panels::completion_list::{CompletionHelp, CompletionList, CompletionPopup, LIST_ID};
use crate::state::highlight::{LONGEST, Part, parts};
use crate::state::scenario_form::too_long;
use crate::state::text_place::{gutter_parts, line_count, offset_of};
use crate::widgets::icon::{Glyph, Icon};

/// The text, and the problems under it.
#[component]
pub(crate) fn ScenarioText() -> View {
    let editing = expect_context::<Editing>();
    let area = Reference::<HtmlTextAreaElement>::new();
    let gutter = Reference::<HtmlElement>::new();
    let problems = Memo::new(move |_| editing.checked.with(|checked| checked.problems.clone()));
    let lines = Memo::new(move |_| editing.text.with(|text| line_count(text)));
    let marked = Memo::new(move |_| {
        let own = editing.name.get_value();
        problems.with(|problems| {
            let mut lines: Vec<u32> =
                problems.iter().filter(|problem| is_own(problem, &own)).filter_map(|problem| problem.line).collect();
            order::sort(&mut lines);
            lines.dedup();
            lines
        })
    });
    // One node for each stretch without a mark: a pasted text of a million lines must not make a million nodes.
    let numbers = move || {
        gutter_parts(lines.get(), &marked.get())
            .into_iter()
            .map(|(numbers, is_marked)| view! { <span class:marked=is_marked>{numbers}</span> })
            .collect_view()
    };
    let list = CompletionList::new();
    let paint = Reference::<HtmlElement>::new();
    let is_painted = Memo::new(move |_| editing.text.with(|text| text.len() <= LONGEST));
    let painted = move || if is_painted.get() { editing.text.with(|text| markup(text)) } else { String::new() };
    let follow = move |_| {
        list.close();
        if let (Some(area), Some(gutter), Some(paint)) =
            (area.get_untracked(), gutter.get_untracked(), paint.get_untracked())
        {
            gutter.set_scroll_top(area.scroll_top());
            paint.set_scroll_top(area.scroll_top());
            paint.set_scroll_left(area.scroll_left());
        }
    };
    let show = move |problem: &Problem| {
        let (Some(area), Some(line)) = (area.get_untracked(), problem.line) else { return };
        let at = editing.text.with_untracked(|text| offset_of(text, line, problem.column.unwrap_or(1)));
        let _ = area.focus();
        let _ = area.set_selection_range(at, at);
        let height = f64::from(area.scroll_height()) / f64::from(lines.get_untracked().max(1));
        area.set_scroll_top((f64::from(line.saturating_sub(4)) * height) as i32);
    };
    view! {
        <div class="stack">
            <section class="card text-card" aria-label="Text">
                <div class="card-head">
                    <h2>"As text"</h2>
                    <span class="note">"YAML or JSON; the form and the text are the same thing"</span>
                </div>
                <div class="text-editor">
                    <pre class="gutter" node_ref=gutter aria-hidden="true">{numbers}</pre>
                    <div class="text-field">
                    <textarea
                        node_ref=area
                        class:painted=is_painted
                        data-testid="text"
                        aria-label="the scenario as YAML"
                        spellcheck="false"
                        autocomplete="off"
                        autocapitalize="off"
                        wrap="off"
                        readonly=editing.built_in
                        prop:value=move || editing.text.get()
                        aria-autocomplete="list"
                        aria-haspopup="listbox"
                        aria-controls=move || list.is_open().then_some(LIST_ID)
                        aria-activedescendant=move || list.active_id()
                        on:input:target=move |event| {
                            let typed = event.target().value();
                            if let Some(problem) = too_long(&typed) {
                                // What was there stays; a paste of this size would make the page stand still.
                                event.target().set_value(&editing.text.get_untracked());
                                editing.refused.set(Some(problem));
                                return;
                            }
                            editing.refused.set(None);
                            editing.text.set(typed);
                            list.look(editing, &event.target(), false);
                        }
                        on:keydown:target=move |event| list.on_key(editing, &event, &event.target())
                        on:keyup:target=move |event| list.moved(editing, &event.target())
                        on:click:target=move |event| {
                            list.close();
                            list.moved(editing, &event.target());
                        }
                        on:blur=move |_| list.close()
                        on:scroll=follow
                    ></textarea>
                    <pre class="paint" node_ref=paint aria-hidden="true" inner_html=painted></pre>
                    <CompletionPopup list=list area=area />
                    </div>
                </div>
                <CompletionHelp list=list />
            </section>
            <section class="card" aria-label="Problems" data-testid="problems">
                <div class="card-head">
                    <h2>"Problems"</h2>
                    <span class="note" role="status">
                        {move || problems.with(|problems| match problems.len() {
                            0 => "none: it can run".to_owned(),
                            some => format::counted(some as u64, "problem"),
                        })}
                    </span>
                </div>
                <ul class="problems">
                    {move || problems.get().into_iter().map(|problem| view! { <ProblemLine problem=problem show=show /> }).collect_view()}
                </ul>
            </section>
        </div>
    }
}

/// A text in its colours, as markup: an element for each part would make typing slow.
fn markup(text: &str) -> String {
    let mut markup = String::with_capacity(text.len() * 2);
    for (part, words) in parts(text) {
        let is_plain = part == Part::Plain;
        if !is_plain {
            markup.push_str("<span class=\"");
            markup.push_str(part.class());
            markup.push_str("\">");
        }
        for letter in words.chars() {
            match letter {
                '&' => markup.push_str("&amp;"),
                '<' => markup.push_str("&lt;"),
                '>' => markup.push_str("&gt;"),
                letter => markup.push(letter),
            }
        }
        if !is_plain {
            markup.push_str("</span>");
        }
    }
    markup
}

/// Whether a problem stands in the text itself, not in what it extends.
fn is_own(problem: &Problem, own: &str) -> bool {
    problem.source.as_deref().is_none_or(|source| source == own)
}

#[component]
fn ProblemLine(problem: Problem, show: impl Fn(&Problem) + Copy + 'static) -> View {
    let editing = expect_context::<Editing>();
    let is_here = is_own(&problem, &editing.name.get_value());
    let place = match (problem.line, is_here) {
        (Some(line), true) => format!("line {line}"),
        (Some(line), false) => format!("{} line {line}", problem.source.as_deref().unwrap_or_default()),
        (None, _) => String::new(),
    };
    let (class, glyph) =
        if problem.is_error() { ("problem error", Glyph::Cross) } else { ("problem warning", Glyph::Warning) };
    let (path, message, hint) = (problem.path.clone(), problem.message.clone(), problem.hint.clone());
    let can_show = is_here && problem.line.is_some();
    view! {
        <li class=class>
            <Icon glyph=glyph />
            <p>
                <span class="mono note">{path}</span>
                " "
                {message}
                {hint.map(|hint| view! { <span class="note">{format!(" ({hint})")}</span> })}
            </p>
            {match can_show {
                true => view! { <button type="button" class="link" on:click=move |_| show(&problem)>{place}</button> },
                false => view! { <span class="note">{place}</span> },
            }}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        let text = "a: \"<img src=x>\" # </span><script>&lt;\n";
        let markup = markup(text);
        let shown = markup.replace("<span class=\"", "\u{1}").replace("</span>", "\u{2}");
        assert!(!shown.contains('<'), "{markup}");
        assert!(markup.contains("&lt;img src=x&gt;") && markup.contains("&amp;lt;"), "{markup}");
    }
}
