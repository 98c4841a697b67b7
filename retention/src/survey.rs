//! The survey: a first pass over what is held, which tells how much has to go for want of room.
//!
//! What rules of different ages delete lies anywhere in the order, so the floor and the sizes cannot know by the way
//! whether it will be enough. Sums are all that the survey keeps.

use catalog::Holding;

use crate::Rules;
use crate::terms::Standing;

/// Sums over what is held, of constant size.
#[derive(Clone, Debug)]
pub struct Survey {
    places: Vec<Sums>,
    /// What the floor may take.
    takeable: u64,
}

/// Bytes of the segments of one rule.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    held: u64,
    /// What goes by its terms, however much room there is.
    going: u64,
    /// What may go for its size.
    open_to_size: u64,
}

/// Bytes that are still to go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// For the size of each rule.
    pub(crate) places: Vec<u64>,
    /// For the size of all.
    pub(crate) all: u64,
    pub(crate) floor: u64,
    /// The floor that is aimed at.
    pub(crate) aim: u64,
}

impl Survey {
    pub fn new(rules: &Rules) -> Self {
        Self { places: vec![Sums::default(); rules.places()], takeable: 0 }
    }

    pub fn add(&mut self, holding: &Holding, rules: &Rules) {
        let size = holding.bytes;
        let judgement = rules.judge(holding);
        let sums = &mut self.places[judgement.place];
        sums.held = sums.held.saturating_add(size);
        if !judgement.against.is_empty() {
            sums.going = sums.going.saturating_add(size);
            return;
        }
        if judgement.open_to_size {
            sums.open_to_size = sums.open_to_size.saturating_add(size);
        }
        let may_go = match judgement.standing {
            Standing::Finished => true,
            Standing::Unprocessed(_) => !rules.policy.protect_unprocessed,
            Standing::Held(_) => false,
        };
        if may_go {
            self.takeable = self.takeable.saturating_add(size);
        }
    }

    /// Tells what is to go. Each demand counts on what those before it take: the rules' terms, then their sizes, then
    /// the size of all, then the floor.
    pub(crate) fn wanted(&self, rules: &Rules) -> Wanted {
        let sizes = rules.policy.rules.iter().map(|rule| rule.max_bytes).chain([None]);
        let too_much = |(sums, size): (&Sums, Option<u64>)| {
            let staying = sums.held.saturating_sub(sums.going);
            size.map_or(0, |size| staying.saturating_sub(size)).min(sums.open_to_size)
        };
        let places: Vec<u64> = self.places.iter().zip(sizes).map(too_much).collect();
        let by_places = places.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
        let staying = self.held().saturating_sub(self.sum(|s| s.going)).saturating_sub(by_places);
        let all = rules.policy.max_bytes.map_or(0, |size| staying.saturating_sub(size));
        let all = all.min(self.sum(|s| s.open_to_size).saturating_sub(by_places));
        let aim = self.aim(rules);
        let free = rules.situation.disk.free.saturating_add(self.sum(|s| s.going));
        let floor = aim.saturating_sub(free).saturating_sub(by_places).saturating_sub(all);
        Wanted { places, all, floor, aim }
    }

    /// Where the floor is out of reach whatever is deleted, to delete all would lose the footage and win nothing. Then
    /// no more than nightreel's own share of the floor is aimed at: what it holds of all that is used.
    fn aim(&self, rules: &Rules) -> u64 {
        let disk = rules.situation.disk;
        let floor = rules.policy.min_free.unwrap_or(0);
        let free = disk.free.saturating_add(self.sum(|s| s.going));
        if floor.saturating_sub(free) <= self.takeable {
            return floor;
        }
        let used = disk.total.saturating_sub(disk.free).max(self.held()).max(1);
        let share = u128::from(floor) * u128::from(self.held()) / u128::from(used);
        u64::try_from(share).unwrap_or(floor)
    }

    fn held(&self) -> u64 {
        self.sum(|s| s.held)
    }

    fn sum(&self, of: impl Fn(&Sums) -> u64) -> u64 {
        self.places.iter().fold(0, |sum, sums| sum.saturating_add(of(sums)))
    }
}
