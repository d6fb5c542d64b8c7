//! What the check of a history finds, and what it does not mind.

use std::time::Duration;

use tokio::time::Instant;

use super::history::{End, Grant, History, Mistake};

/// A day that only exists here.
#[derive(Clone, Copy)]
struct Day(Instant);

impl Day {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// So many milliseconds after it began.
    fn at(self, millis: u64) -> Instant {
        self.0 + Duration::from_millis(millis)
    }

    /// A lease of a second.
    fn grant(self, who: &str, token: u64, asked: u64, granted: u64) -> Grant {
        Grant {
            who: who.to_owned(),
            token: Some(token),
            asked: self.at(asked),
            granted: self.at(granted),
            counts_from: self.at(asked),
            ttl: Duration::from_secs(1),
            end: None,
        }
    }

    /// A lease of a second that its host gives back.
    fn released(self, who: &str, token: u64, asked: u64, granted: u64, released: u64) -> Grant {
        Grant { end: Some(End::Released(self.at(released))), ..self.grant(who, token, asked, granted) }
    }
}

/// What is wrong with these leases of a pool.
fn mistakes<const N: usize>(slots: usize, grants: [Grant; N]) -> Vec<Mistake> {
    let mut history = History::new(slots);
    grants.into_iter().for_each(|grant| history.add(grant));
    history.mistakes()
}

fn too_many(names: &[&str]) -> Mistake {
    Mistake::TooMany(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn one_after_the_other_is_right() {
    let day = Day::begin();
    let ann = day.released("ann", 1, 0, 10, 20);
    let bob = day.released("bob", 2, 0, 21, 30); // waited since the beginning
    let cid = day.grant("cid", 3, 25, 40); // goes away
    let dan = day.grant("dan", 4, 30, 1025);

    assert_eq!(mistakes(1, [ann, bob, cid, dan]), []);
}

#[test]
fn two_at_once_are_too_many_for_one_slot_and_not_for_two() {
    let day = Day::begin();
    let ann = day.released("ann", 1, 0, 10, 30);
    let bob = day.released("bob", 2, 0, 29, 40);
    let both = [ann, bob];

    assert_eq!(mistakes(1, both.clone()), [too_many(&["ann with 1", "bob with 2"])]);
    assert_eq!(mistakes(2, both), []);
}

#[test]
fn three_at_once_are_too_many_for_two_slots() {
    let day = Day::begin();
    let ann = day.grant("ann", 1, 0, 10);
    let bob = day.released("bob", 2, 0, 11, 12);
    let (cid, dan) = (day.grant("cid", 3, 0, 13), day.grant("dan", 4, 0, 999));

    assert_eq!(mistakes(2, [dan, ann, cid, bob]), [too_many(&["ann with 1", "cid with 3", "dan with 4"])]);
}

#[test]
fn a_lease_holds_until_its_time_is_over_and_longer_if_it_was_renewed() {
    let day = Day::begin();
    let ann = day.grant("ann", 1, 0, 10);
    let early = day.grant("early", 2, 0, 999);
    let late = day.grant("late", 2, 900, 1000);
    let renewed = Grant { counts_from: day.at(500), ..ann.clone() };

    assert_eq!(mistakes(1, [ann.clone(), early]), [too_many(&["ann with 1", "early with 2"])]);
    assert_eq!(mistakes(1, [ann, late.clone()]), []);
    assert_eq!(mistakes(1, [renewed, late]), [too_many(&["ann with 1", "late with 2"])]);
}

#[test]
fn an_answer_that_came_when_the_time_was_over_is_no_slot() {
    let day = Day::begin();
    let (ann, bob) = (day.grant("ann", 1, 0, 1100), day.grant("bob", 2, 1010, 1020));

    assert_eq!(mistakes(1, [ann, bob]), []);
}

#[test]
fn a_token_has_to_be_larger_than_all_that_were_answered_before_it_was_asked_for() {
    let day = Day::begin();
    let highest = day.released("highest", 9, 0, 10, 11);
    let last = day.released("last", 5, 5, 20, 21);
    let later = |token| day.released("later", token, 25, 30, 31);
    let not_rising = Mistake::NotRising { earlier: "highest with 9".into(), later: "later with 7".into() };

    assert_eq!(mistakes(1, [highest.clone(), last.clone(), later(7)]), [not_rising]);
    assert_eq!(mistakes(1, [highest, last, later(10)]), []);
}

#[test]
fn no_two_leases_have_the_same_token() {
    let day = Day::begin();
    let (ann, bob) = (day.released("ann", 4, 0, 10, 11), day.released("bob", 4, 0, 20, 21));

    assert_eq!(mistakes(1, [ann, bob]), [Mistake::SameToken("ann with 4".into(), "bob with 4".into())]);
}

#[test]
fn a_lease_that_is_lost_before_its_time_is_a_mistake() {
    let day = Day::begin();
    let lost = |at| [Grant { end: Some(End::Lost(day.at(at))), ..day.grant("ann", 1, 0, 10) }];

    assert_eq!(mistakes(1, lost(999)), [Mistake::EndedEarly("ann with 1".into())]);
    assert_eq!(mistakes(1, lost(1000)), []);
}

#[test]
fn what_the_store_lost_nobody_holds_but_tokens_rise() {
    let day = Day::begin();
    let before = Grant { end: Some(End::Lost(day.at(600))), ..day.grant("before", 5, 0, 10) };
    let between = day.grant("between", 6, 140, 170); // may have been before the loss or after it
    let (after, low) = (day.grant("after", 7, 201, 210), day.released("low", 4, 2000, 2010, 2011));
    let history = |losses: &[(u64, u64)], grants: Vec<Grant>| {
        let mut history = History::new(1);
        losses.iter().for_each(|(begin, end)| history.store_was_lost(day.at(*begin), day.at(*end)));
        grants.into_iter().for_each(|grant| history.add(grant));
        history.mistakes()
    };
    let all = vec![before.clone(), between, after.clone()];

    assert_eq!(history(&[(100, 150), (190, 200)], all.clone()), []);
    assert!(!history(&[], all).is_empty());
    let without_time = history(&[(100, 150), (160, 165)], vec![before.clone(), after.clone()]);
    assert_eq!(without_time, [], "it was lost once and not got again");
    let fallen = Mistake::NotRising { earlier: "after with 7".into(), later: "low with 4".into() };
    assert_eq!(history(&[(100, 150)], vec![before, after, low]), [fallen]);
}

#[test]
fn the_classic_protocol_has_no_tokens_and_holds_all_the_same() {
    let day = Day::begin();
    let ann = Grant { token: None, ..day.grant("ann", 0, 0, 10) };
    let bob = Grant { token: None, ..day.grant("bob", 0, 20, 30) };
    let cid = day.released("cid", 1, 1030, 1040, 1041);

    assert_eq!(mistakes(1, [ann, bob, cid]), [too_many(&["ann", "bob"])]);
}
