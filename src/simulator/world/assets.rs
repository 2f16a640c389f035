//! The assets of a project: lookups and changes.

use std::sync::Arc;

use uuid::Uuid;

use super::asset::{Asset, Draft, filled};
use super::project::World;
use super::stamp::Stamp;

impl World {
    /// Returns all assets in order of creation, including deleted ones.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Returns the number of active assets.
    #[must_use]
    pub fn active_assets(&self) -> usize {
        self.active_assets
    }

    /// Returns a number that increases with every change to any asset.
    #[must_use]
    pub fn asset_version(&self) -> u64 {
        self.asset_version
    }

    /// Returns the index of an asset in `assets`.
    #[must_use]
    pub fn asset_position(&self, id: Uuid) -> Option<usize> {
        self.asset_index.get(&id).copied()
    }

    /// Returns the number of active assets with this barcode.
    #[must_use]
    pub fn barcode_count(&self, barcode: &str) -> u32 {
        self.barcodes.get(barcode).copied().unwrap_or(0)
    }

    /// Creates an asset with the given id or a new one, and returns its index.
    pub fn add_asset(
        &mut self,
        id: Option<Uuid>,
        draft: Draft,
        user: &Arc<str>,
        company: Option<Uuid>,
    ) -> usize {
        let id = id.unwrap_or_else(|| self.new_id());
        self.asset_version += 1;
        let stamp = Stamp::new(self.now, user, self.asset_version);
        let asset = filled(id, draft, company, stamp);
        if let Some(barcode) = &asset.barcode {
            *self.barcodes.entry(barcode.clone()).or_default() += 1;
        }
        self.active_assets += 1;
        self.asset_index.insert(id, self.assets.len());
        self.assets.push(asset);
        self.assets.len() - 1
    }

    /// Replaces the content of an asset with a draft.
    pub fn patch_asset(&mut self, position: usize, draft: Draft, user: &Arc<str>) {
        self.asset_version += 1;
        let old = &self.assets[position];
        let mut stamp = old.stamp.clone();
        stamp.change(self.now, user, self.asset_version);
        let new = filled(old.id, draft, old.company, stamp);
        if old.barcode != new.barcode && new.stamp.active() {
            if let Some(count) = old
                .barcode
                .as_ref()
                .and_then(|barcode| self.barcodes.get_mut(barcode))
            {
                *count = count.saturating_sub(1);
            }
            if let Some(barcode) = &new.barcode {
                *self.barcodes.entry(barcode.clone()).or_default() += 1;
            }
        }
        self.assets[position] = new;
    }

    /// Soft-deletes an asset. Returns `false` if the asset was already deleted.
    pub fn delete_asset(&mut self, position: usize, user: &Arc<str>) -> bool {
        let now = self.now;
        let asset = &mut self.assets[position];
        if !asset.stamp.active() {
            return false;
        }
        self.asset_version += 1;
        asset.stamp.delete(now, user, self.asset_version);
        self.active_assets -= 1;
        if let Some(count) = asset
            .barcode
            .as_ref()
            .and_then(|barcode| self.barcodes.get_mut(barcode))
        {
            *count = count.saturating_sub(1);
        }
        true
    }
}
