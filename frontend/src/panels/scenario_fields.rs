//! The form: every field is read from the text and written into it; what is wrong stands beside it.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::editing::Editing;
use crate::panels::behavior_graph::BehaviorGraphs;
use crate::panels::linked_weights::LinkedWeights;
use crate::panels::load_curve::LoadCurves;
use crate::state::behavior_graph::Choice;
use crate::state::remote::sentence;
use crate::state::scenario_form::{Field, Form, Key, Kind, problem_at, spoken};
use crate::widgets::notice::{Notice, Weight as NoticeWeight};

/// The form.
#[component]
pub(crate) fn ScenarioFields() -> View {
    let editing = expect_context::<Editing>();
    let of_form =
        move |read: fn(&Form) -> Vec<String>| Memo::new(move |_| editing.checked.with(|checked| read(&checked.form)));
    let groups = of_form(|form| form.groups.iter().map(|group| group.title.clone()).collect());
    let mixes = of_form(|form| form.mixes.iter().map(|mix| mix.behavior.clone()).collect());
    let keys = Memo::new(move |_| editing.checked.with(|checked| checked.form.keys.clone()));
    let description = Memo::new(move |_| editing.checked.with(|checked| checked.form.description.clone()));
    view! {
        <div class="stack" data-testid="form">
            <Show when=move || editing.checked.with(|checked| !checked.readable)>
                <Notice
                    weight=NoticeWeight::Warning
                    message="The text cannot be read just now."
                    hint="Mend the marked line; the form then follows again."
                />
            </Show>
            {move || editing.refused.get().map(|problem| view! {
                <Notice
                    weight=NoticeWeight::Warning
                    message=sentence(&problem.message)
                    hint=problem.hint.as_deref().map(sentence).unwrap_or_default()
                />
            })}
            <section class="card form-card" aria-label="Scenario">
                <p class="note">{description}</p>
                <div class="form-grid">
                    <ProfileField />
                </div>
            </section>
            <For each=move || groups.get() key=Clone::clone children=move |title| view! { <FieldGroup title=title keys=keys /> } />
            <LoadCurves />
            <For each=move || mixes.get() key=Clone::clone children=move |behavior| view! { <MixTable behavior=behavior /> } />
            <BehaviorGraphs />
        </div>
    }
}

/// Which profile the text asks for; of a built-in one, which to look at.
#[component]
fn ProfileField() -> View {
    let editing = expect_context::<Editing>();
    let profiles = Memo::new(move |_| editing.checked.with(|checked| checked.form.profiles.clone()));
    let chosen = Memo::new(move |_| match editing.built_in {
        true => editing.profile.get(),
        false => editing.checked.with(|checked| checked.form.profile.clone().unwrap_or_default()),
    });
    let choose = move |profile: String| match editing.built_in {
        true => editing.profile.set(profile),
        false => editing.change("profile", Kind::Text, &profile),
    };
    let extends = move || editing.checked.with(|checked| checked.form.extends.clone());
    view! {
        {move || extends().map(|base| view! {
            <div class="field"><span>"Starts from"</span><span class="fixed mono">{base}</span></div>
        })}
        <label class="field">
            <span>"Profile"</span>
            <select data-testid="edit-profile" on:change:target=move |event| choose(event.target().value())>
                <option value="" selected=move || chosen.with(String::is_empty)>"none"</option>
                {move || profiles.get().into_iter().map(|name| {
                    let value = name.clone();
                    let label = name.clone();
                    view! { <option value=value selected=move || chosen.with(|chosen| *chosen == name)>{label}</option> }
                }).collect_view()}
            </select>
        </label>
    }
}

#[component]
fn FieldGroup(title: String, keys: Memo<Vec<Key>>) -> View {
    let editing = expect_context::<Editing>();
    let wanted = title.clone();
    let fields = Memo::new(move |_| {
        editing
            .checked
            .with(|checked| {
                let group = checked.form.groups.iter().find(|group| group.title == wanted);
                group.map(|group| {
                    group.fields.iter().map(|field| Field { value: String::new(), ..field.clone() }).collect::<Vec<_>>()
                })
            })
            .unwrap_or_default()
    });
    let target = title.strip_prefix("Target ").map(str::to_owned);
    let key =
        Memo::new(move |_| keys.with(|keys| keys.iter().find(|key| Some(&key.target) == target.as_ref()).cloned()));
    view! {
        <section class="card form-card" aria-label=title.clone()>
            <h2>{title.clone()}</h2>
            <div class="form-grid">
                <For each=move || fields.get() key=|field| field.path.clone() children=move |field| view! { <FieldInput field=field /> } />
                {move || key.get().map(|key| view! { <KeyInput key_field=key /> })}
            </div>
        </section>
    }
}

/// A field with its problem. While it has the focus it shows what is typed, not what the text makes of it.
#[component]
fn FieldInput(field: Field) -> View {
    let editing = expect_context::<Editing>();
    let id = format!("field-{}", field.path);
    let (path, kind) = (StoredValue::new(field.path.clone()), field.kind);
    let typed = RwSignal::new(None::<String>);
    let written =
        Memo::new(move |_| path.with_value(|path| editing.checked.with(|checked| value_at(&checked.form, path))));
    let problem = Memo::new(move |_| {
        path.with_value(|path| editing.checked.with(|checked| problem_at(&checked.problems, path).cloned()))
    });
    let disabled = move || editing.built_in || editing.checked.with(|checked| !checked.readable);
    let problem_id = format!("{id}-problem");
    view! {
        <div class="field" class:long=kind == Kind::Text>
            <label for=id.clone()>{field.label}</label>
            <input
                type="text"
                id=id.clone()
                data-testid=id.clone()
                placeholder=field.example
                autocomplete="off"
                spellcheck="false"
                aria-describedby=problem_id.clone()
                aria-invalid=move || problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.is_error())).to_string()
                disabled=disabled
                prop:value=move || typed.get().unwrap_or_else(|| written.get())
                on:input:target=move |event| {
                    let value = event.target().value();
                    typed.set(Some(value.clone()));
                    path.with_value(|path| editing.change(path, kind, &value));
                }
                on:blur=move |_| typed.set(None)
            />
            <span class="field-problem" id=problem_id role="status">
                {move || problem.with(|problem| problem.as_ref().map(spoken))}
            </span>
        </div>
    }
}

fn value_at(form: &Form, path: &str) -> String {
    let mut fields = form.groups.iter().flat_map(|group| &group.fields);
    fields.find(|field| field.path == path).map(|field| field.value.clone()).unwrap_or_default()
}

/// The API key for runs from this page. It goes out with a run and is kept nowhere else; the field never shows it.
#[component]
fn KeyInput(key_field: Key) -> View {
    let desk = expect_context::<Desk>();
    let editing = expect_context::<Editing>();
    let id = format!("key-{}", key_field.target);
    let path = StoredValue::new(key_field.path.clone());
    let is_given = Memo::new(move |_| {
        desk.keys.with(|keys| path.with_value(|path| keys.contains_key(&(editing.name.get_value(), path.clone()))))
    });
    let about = match &key_field.variable {
        Some(variable) => {
            format!("Left empty, the runner reads its variable {variable}. The practice target takes any.")
        }
        None => "The text holds a key itself: better write \"${env.API_KEY}\" there.".to_owned(),
    };
    view! {
        <div class="field long">
            <label for=id.clone()>"API key for runs from this tab"</label>
            <input
                type="password"
                id=id.clone()
                data-testid=id.clone()
                autocomplete="new-password"
                placeholder=move || if is_given.get() { "given, kept in memory only" } else { "none" }
                on:change:target=move |event| {
                    let (field, name) = (event.target(), editing.name.get_value());
                    path.with_value(|path| desk.give_key(&name, path, &field.value()));
                    // What was typed does not stay in the page.
                    field.set_value("");
                }
            />
            <span class="note">{about}</span>
            <Show when=move || is_given.get()>
                <button
                    type="button"
                    class="small"
                    on:click=move |_| path.with_value(|path| desk.give_key(&editing.name.get_value(), path, ""))
                >
                    "Forget the key"
                </button>
            </Show>
        </div>
    }
}

/// The weights of a mix with the shares that they make.
#[component]
fn MixTable(behavior: String) -> View {
    let editing = expect_context::<Editing>();
    let path = format!("behaviors.{behavior}.mix.weights");
    let title = format!("Event mix of {behavior}");
    let label = title.clone();
    let choice = Memo::new(move |_| {
        editing.checked.with(|checked| {
            let mix = checked.form.mixes.iter().find(|mix| mix.behavior == behavior);
            mix.map_or_else(Choice::default, |mix| mix.weights.clone())
        })
    });
    let problem = Memo::new(move |_| {
        editing.checked.with(|checked| checked.problems.iter().find(|problem| problem.path == path).map(spoken))
    });
    view! {
        <section class="card" aria-label=label data-testid="weights">
            <div class="card-head">
                <h2>{title}</h2>
                <span class="note">"move one, and the others make room"</span>
            </div>
            <LinkedWeights choice=choice />
            <p class="field-problem" role="status">{problem}</p>
        </section>
    }
}
