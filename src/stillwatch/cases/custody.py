"""Records about things outside the database: evidence bundles, model files, prompt texts that were looked at."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from stillwatch.cases.database import Database, Transaction, exists_in, reason_text, storable
from stillwatch.cases.models import BundleRow, CampaignRow, CustodyRow, ModelRow, PromotionRow
from stillwatch.errors import InputError, UnknownTarget


class Custody(Database):
    """Bundles and who touched them; models and which one is in use; reveals of prompt text."""

    def reserve_id(self, prefix: str, by: str) -> str:
        """The next id of a kind (``B`` bundles, ``M`` models), for something that must carry its id inside."""
        with self._write(by) as tx:
            return tx.next_id(prefix)

    def record_bundle(
        self,
        campaign_id: str,
        path: str,
        sha256: str,
        by: str,
        reason: str,
        *,
        bundle_id: str | None = None,
        run_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> str:
        """Put a finished bundle on record with its first custody entry; gives its id (``bundle_id`` if reserved)."""
        reason = reason_text(reason)
        with self._write(by) as tx:
            if not exists_in(tx.session, CampaignRow.campaign_id, campaign_id):
                raise UnknownTarget(f"there is no campaign {campaign_id[:60]!a}; the Campaigns page lists them.")
            bundle = BundleRow(
                bundle_id=bundle_id or tx.next_id("B"), campaign_id=campaign_id, path=storable("the path", path),
                sha256=sha256, made_at=tx.now, made_by=tx.by, reason=reason, run_id=run_id, details=details or {},
            )  # fmt: skip
            tx.session.add(bundle)
            tx.session.flush()
            _hold(tx, bundle.bundle_id, "made", "stillwatch", sha256, reason)
            tx.record(
                "make_bundle", "bundle", bundle.bundle_id, reason, campaign_id=campaign_id, sha256=sha256, run_id=run_id
            )
            return bundle.bundle_id

    def record_custody(
        self, bundle_id: str, action: str, by: str, *, method: str = "", sha256: str | None = None, note: str = ""
    ) -> None:
        """One access to a bundle: ``downloaded``, ``verified``, ``handed over``, …; how, and the hash that was seen."""
        if not 0 < len(action) <= 40:
            raise InputError("the action is one or two words, such as downloaded.")
        with self._write(by) as tx:
            if not exists_in(tx.session, BundleRow.bundle_id, bundle_id):
                raise UnknownTarget(f"there is no bundle {bundle_id[:60]!a}; the Evidence page lists them.")
            _hold(tx, bundle_id, action, storable("the method", method), sha256, storable("the note", note[:4_000]))
            tx.record("custody", "bundle", bundle_id, note[:4_000], what=action, method=method, sha256=sha256)

    def bundles(self) -> pd.DataFrame:
        """Bundles, newest first: bundle_id, campaign_id, path, sha256, made_at, made_by, reason, run_id, details."""
        return self._frame(select(*BundleRow.__table__.columns).order_by(BundleRow.made_at.desc()))

    def custody(self, bundle_id: str | None = None) -> pd.DataFrame:
        """The custody log, oldest first: bundle_id, action, method, sha256, at, by, note."""
        query = select(*[c for c in CustodyRow.__table__.columns if c.name != "seq"]).order_by(CustodyRow.seq)
        return self._frame(query.where(CustodyRow.bundle_id == bundle_id) if bundle_id else query)

    def record_model(self, model_id: str, run_id: str, labels_sha256: str, metrics: dict[str, Any], by: str) -> None:
        """Put a trained model on record."""
        with self._write(by) as tx:
            tx.session.add(
                ModelRow(
                    model_id=model_id, run_id=run_id, labels_sha256=labels_sha256, metrics=metrics,
                    trained_at=tx.now, trained_by=tx.by,
                )
            )  # fmt: skip
            tx.record("train", "model", model_id, "", run_id=run_id, labels_sha256=labels_sha256)

    def record_promotion(self, model_id: str | None, action: str, by: str, reason: str) -> None:
        """Put on record that a model is in use from now on (``promote`` or ``rollback``); null: none is.

        Raises RefusedChange when it is in use already.
        """
        reason = reason_text(reason)
        with self._write(by) as tx:
            if model_id is not None and not exists_in(tx.session, ModelRow.model_id, model_id):
                raise UnknownTarget(f"there is no model {model_id[:60]!a}; the Detector page lists them.")
            last = _last_promotion(tx.session)
            if model_id == (last.model_id if last else None):
                what = model_id or "no model"
                raise tx.refuse(action, "model", what, f"{what} is in use already; nothing was changed.")
            tx.session.add(PromotionRow(model_id=model_id, action=action, reason=reason, at=tx.now, by=tx.by))
            tx.record(action, "model", model_id or "none", reason)

    def models(self) -> pd.DataFrame:
        """Trained models, newest first: model_id, run_id, labels_sha256, metrics, trained_at, trained_by, in_use."""
        frame = self._frame(select(*ModelRow.__table__.columns).order_by(ModelRow.trained_at.desc()))
        frame["in_use"] = frame["model_id"] == self.model_in_use()
        return frame

    def promotions(self) -> pd.DataFrame:
        """Which model was put to use when, oldest first: model_id (null = none), action, reason, at, by."""
        return self._frame(
            select(*[c for c in PromotionRow.__table__.columns if c.name != "seq"]).order_by(PromotionRow.seq)
        )

    def model_in_use(self) -> str | None:
        """The model that was promoted last, null when scores stand without a trained model."""
        with self._read() as session:
            last = _last_promotion(session)
            return last.model_id if last else None

    def record_reveal(self, target_type: str, target_id: str, rows: int, by: str, reason: str) -> None:
        """Put on record that somebody read prompt text: of what, how many rows, why. Call before showing it."""
        reason = reason_text(reason)
        with self._write(by) as tx:
            tx.record("reveal_prompts", target_type, storable("the id", target_id), reason, rows=rows)


def _last_promotion(session: Session) -> PromotionRow | None:
    return session.scalars(select(PromotionRow).order_by(PromotionRow.seq.desc()).limit(1)).first()


def _hold(tx: Transaction, bundle_id: str, action: str, method: str, sha256: str | None, note: str) -> None:
    tx.session.add(
        CustodyRow(bundle_id=bundle_id, action=action, method=method, sha256=sha256, at=tx.now, by=tx.by, note=note)
    )
