"""Invented word lists that prompts are built from: topics, verbs, adjectives, people, places, products.

Written for this simulator; no sentence of anybody's prompt is in here. Topics are the subjects that one author
keeps coming back to; words inside a list are drawn with a Zipf-like skew (see calibration.ZIPF_SLOPE).
"""

from __future__ import annotations


def listed(text: str) -> list[str]:
    """Words of a text; keeps long lists readable."""
    return text.split()


_HEAD = listed("Al An Be Bri Ca Da De El Fa Fi Ga Hel Il Jo Ka Le Ma Mi Ne Ol Pa Ri Sa Si Ta Ul Ve Wil Ya Zo")
_MIDDLE = listed("ra li no ve di su ma ti lo nde rri ska bel vi")
_TAIL = listed("n a s ne r th la ko mi x")


def _made_up(tails: list[str]) -> list[str]:
    return [f"{a}{b}{c}" for c in tails for b in _MIDDLE for a in _HEAD]


TOPICS: dict[str, list[str]] = {
    "billing": listed(
        "invoice ledger refund payment balance statement account surcharge discount subscription receipt "
        "tariff credit voucher deposit instalment overdraft settlement payout remittance billing-cycle "
        "cost-centre journal entry"
    ),
    "shipping": listed(
        "parcel pallet warehouse courier manifest customs-form route depot container delivery tracking-number "
        "carrier dock forklift shipment return-label consignment hub lorry timetable stock-level "
        "reorder-point packing-list"
    ),
    "cooking": listed(
        "recipe oven dough sauce lentils garlic skillet broth spice marinade pastry butter onion menu dessert "
        "knife-work stew salad flour yeast filling tray seasoning leftovers dinner-party breakfast"
    ),
    "gardening": listed(
        "seedling compost greenhouse hedge tomato-bed soil pruning bulb perennial mulch slug watering-can "
        "lawn orchard trellis frost raised-bed rootstock pollinator weed shed cutting"
    ),
    "law": listed(
        "contract clause tenant landlord liability statute plaintiff notice-period deposit-scheme warranty "
        "indemnity arbitration hearing affidavit licence covenant jurisdiction settlement-offer appeal will "
        "power-of-attorney filing"
    ),
    "medicine": listed(
        "patient dosage symptom triage discharge-note blood-pressure prescription ward referral screening "
        "vaccine scan fracture insulin asthma care-plan allergy clinic consultation side-effect "
        "rehabilitation intake-form"
    ),
    "school": listed(
        "lesson pupil worksheet homework exam timetable essay-question marking classroom reading-list "
        "spelling-test fractions revision assembly seating-plan field-trip report-card quiz curriculum "
        "learning-goal group-project"
    ),
    "physics": listed(
        "pendulum lens charge current resistor momentum friction wave orbit photon magnet spring collision "
        "temperature pressure entropy voltage torque frequency interference vacuum crystal"
    ),
    "chemistry": listed(
        "solution acid titration catalyst polymer buffer solvent isotope reaction-rate precipitate electrode "
        "bond enthalpy chromatography salt alloy residue yield concentration indicator beaker"
    ),
    "biology": listed(
        "cell enzyme protein genome mutation habitat predator larva fungus membrane hormone tissue pollen "
        "bacterium ecosystem fossil receptor chromosome plankton lineage specimen"
    ),
    "history": listed(
        "treaty empire uprising archive chronicle harbour-town guild dynasty siege merchant census monastery "
        "railway famine parliament manuscript colony pamphlet border-dispute coronation harvest-tax"
    ),
    "geography": listed(
        "river delta glacier plateau monsoon coastline basin volcano border aquifer island steppe fjord "
        "settlement trade-route floodplain canyon peninsula rainfall elevation"
    ),
    "finance": listed(
        "portfolio bond dividend hedge margin yield volatility forecast liquidity valuation balance-sheet "
        "cash-flow interest-rate mortgage exchange-rate index quarter earnings budget depreciation capital "
        "audit-trail"
    ),
    "marketing": listed(
        "campaign headline audience newsletter landing-page slogan brand funnel click-rate persona tagline "
        "press-release loyalty-scheme launch testimonial banner hashtag outreach segment giveaway"
    ),
    "support": listed(
        "ticket customer complaint reply escalation chat-log refund-request queue macro outage handover "
        "feedback satisfaction-score knowledge-base call-note agent backlog response-time apology follow-up"
    ),
    "travel": listed(
        "itinerary hostel ferry visa layover museum day-trip suitcase boarding-pass train-pass guesthouse "
        "beach hiking-trail market-square airport-transfer city-break campsite souvenir map timetable"
    ),
    "music": listed(
        "chord melody drummer lyric verse tempo rehearsal playlist bassline chorus synth-patch scale harmony "
        "recording setlist metronome arrangement violin-part mixdown time-signature"
    ),
    "games": listed(
        "quest inventory dungeon boss-fight skill-tree dialogue level crafting-recipe guild-hall save-file "
        "multiplayer-lobby loot-table hit-point enemy spawn-rate tutorial leaderboard puzzle map-editor"
    ),
    "fiction": listed(
        "chapter narrator villain lighthouse detective letter stranger attic storm secret village "
        "cliff-hanger prologue sister smuggler prophecy diary train-carriage mirror confession plot-twist"
    ),
    "fitness": listed(
        "workout stretch interval squat recovery heart-rate protein-shake warm-up marathon rest-day "
        "kettlebell mobility sleep-score calorie-target pace plank training-block hydration posture"
    ),
    "housing": listed(
        "kitchen boiler lease viewing radiator loft insulation floor-plan survey mortgage-offer plumber mould "
        "window-frame service-charge removal-van rent balcony damp estate-agent meter-reading"
    ),
    "hr": listed(
        "applicant interview onboarding appraisal rota payroll leave-request policy handbook job-advert shift "
        "grievance training-record reference probation org-chart overtime exit-interview salary-band "
        "cover-letter"
    ),
    "energy": listed(
        "turbine solar-panel inverter grid tariff battery substation meter load-curve heat-pump transformer "
        "outage feed-in pipeline forecast-error peak-demand cable capacity maintenance-window"
    ),
    "farming": listed(
        "herd silage irrigation tractor yield barn crop-rotation fertiliser combine pasture subsidy-form "
        "grain-store lambing soil-sample milk-record fence drainage rapeseed orchard-row vet-visit"
    ),
    "webdev": listed(
        "component endpoint stylesheet form-field router cookie session-store layout button middleware cache "
        "web-socket payload schema redirect query-string template-engine build-step test-suite feature-flag"
    ),
    "data": listed(
        "dataframe column join pipeline histogram outlier time-series dashboard aggregate duplicate-row "
        "parquet-file index null-value sampling pivot-table schema-change regression-model cluster cohort "
        "partition"
    ),
    "systems": listed(
        "thread mutex socket kernel-module scheduler buffer page-fault container log-line daemon retry-loop "
        "deadlock allocator file-handle heartbeat queue-depth checksum replica backup-job timeout"
    ),
    "security": listed(
        "firewall-rule certificate token-rotation access-log phishing-report password-policy patch-window "
        "vulnerability audit-log permission sandbox secret-store incident key-exchange login-attempt "
        "backup-code"
    ),
    "maths": listed(
        "fraction triangle polynomial matrix probability derivative sequence remainder angle ratio perimeter "
        "prime vector equation inequality average speed-problem permutation integral graph-node"
    ),
    "language": listed(
        "pronoun subjunctive idiom vowel dialect noun-phrase word-order glossary transcript accent register "
        "verb-ending proverb spelling loanword punctuation sentence-pair dictionary-entry phrasebook subtitle"
    ),
    "family": listed(
        "birthday toddler grandmother bedtime-story allowance wedding-speech nursery cousin holiday-plan "
        "pet-rabbit chore-chart school-run photo-album neighbour babysitter reunion gift-idea packed-lunch"
    ),
    "insurance": listed(
        "claim policyholder premium excess adjuster underwriting loss-report coverage renewal fraud-flag "
        "hail-damage water-leak appraisal quote exclusion rider beneficiary risk-class third-party deductible"
    ),
}
"""Subject -> nouns, most frequent first."""

VERBS = listed(
    "check compare fix plan explain review improve change sort move update describe measure build list remove "
    "split merge test clean label track draft trim rename rewrite price order schedule report replace "
    "estimate match rank filter adjust collect count convert sketch shorten store map group simplify design "
    "repair inspect reduce extend combine outline approve archive balance calculate accept advertise align "
    "amend annotate announce arrange assemble assign attach audit backdate borrow bundle cancel carry certify "
    "chart clarify classify close collate commission compile condense confirm consolidate copy correct crop "
    "debug decline delay deliver deploy discuss dismantle display distribute divide document donate double "
    "download drain edit enlarge enter escalate evaluate exchange expand export file finish fold forecast "
    "forward freeze fund grade halve hand-over harvest highlight illustrate import index install insure "
    "invoice isolate join justify launch lease lend level load lower mail maintain mend migrate mix model "
    "modify monitor negotiate notify number obtain open overhaul pack paint patch pause photograph pin plot "
    "polish postpone prepare print proofread publish pull quantify question quote raise reclaim record "
    "recycle refund register release relocate remind renew rent reorder rephrase reserve reset resize restore "
    "retire reuse revise rotate round sample save scan scrap screen seal search segment sell send settle "
    "share shelve ship sign simulate slice sponsor stack stage stamp standardise start stop summarise supply "
    "survey swap switch tabulate tag tally transcribe transfer translate transport trace trade train tune "
    "unpack upgrade upload validate verify visit water weigh widen withdraw wrap"
)
ADJECTIVES = listed(
    "new old small large early late main extra short long local weekly monthly simple missing broken clean "
    "shared empty wrong final second quiet cheap heavy light internal public private annual temporary regular "
    "separate spare modern narrow recent unusual common seasonal partial single average damaged urgent "
    "optional outdated typical strict loose formal rough delayed manual hidden abandoned accurate adjacent "
    "advanced affordable ancient approved awkward bilingual blank blue borrowed bright broad brittle calm "
    "central certified circular coarse cold combined complete complex costly cracked crowded curved custom "
    "cyclical daily dark deep detailed digital distant double dry dusty dynamic early-stage eastern elastic "
    "electric empty-handed exact expired external faint fake familiar faulty final-year fixed flat flexible "
    "fragile fresh frozen full generic gentle glossy green handmade handy harsh healthy historic hollow "
    "honest hourly idle imported incomplete indirect informal inner joint known labelled last-minute layered "
    "legal lengthy linear liquid loose-leaf loud low main-line mild minor mixed mobile moist monthly-billed "
    "mutual natural nearby neat noisy northern novel obsolete odd online open original outer overdue paid "
    "paper-based parallel patient permanent plain polished portable preliminary previous printed priority "
    "proper provisional quarterly random rare raw ready red redundant remote repeated rigid routine rural "
    "rusty safe salted second-hand seasoned secure sensitive shallow sharp short-term signed silent silver "
    "sloped slow smooth soft solar solid southern spacious sparse special square stable stale standard static "
    "steep sticky stray strong sturdy subtle sunny surplus suspicious swollen technical tentative thick thin "
    "tidy tiny tough traditional translucent trial twin uneven unpaid upper urban used vague valid vertical "
    "viable visible vocal voluntary warm waterproof weak western wet white wide wild wooden worn written "
    "yearly yellow young"
)
ADVERBS = listed(
    "carefully quickly again today yesterday usually mostly slowly together properly twice gently soon ahead "
    "alone alphabetically apart automatically barely beforehand blindly briefly by-hand casually cheaply "
    "cleanly closely constantly daily directly early easily evenly finally firmly formally freely fully "
    "hardly hastily honestly indoors informally instantly jointly kindly late lately locally loosely mainly "
    "manually monthly nearly neatly nightly occasionally often online openly outdoors overnight partly "
    "patiently politely privately promptly publicly quietly rarely reliably remotely roughly safely scarcely "
    "seldom separately sideways silently simply smoothly sometimes steadily strictly surely thoroughly "
    "tightly upstairs urgently vaguely weekly widely yearly"
)
PEOPLE = listed(
    "Mara Ilan Tovi Senna Oskar Priya Belen Yusuf Anouk Dario Femke Kofi Lien Marek Nadia Otto Paloma Quill "
    "Rosa Samir Tilda Umar Vesna Wiebe Xenia Yara Zoltan Aiko Bram Chidi Dunja Emre Freya Goran Hana Ines "
    "Jonas Kaia Leif Mina Nils Odile Petra Rafe Soren Thandi Ulla Viggo Wanda Zuri Amadou Brisa Cato Delphine "
    "Eero Farah"
)
PLACES = listed(
    "Northmere Calder-Bay Ostrava-Mill Pinhollow Saltwick Verdan Lowmoor Arkestad Belcroft Tamarisk Quenby "
    "Harrowgate-End Dunlin Foxley Maristow Ravna Sable-Point Tolbridge Ulmen Westering Yarrow Zell Inverloch "
    "Camber Orsa Kestrel-Hill Lindqvist-Park Monteflor Nantwell Pellar"
)
COMPANIES_A = listed(
    "Alder Birch Cobalt Drift Ember Fathom Granite Harbor Indigo Juniper Kite Lumen Meadow Nimbus Orchard "
    "Pebble Quartz Ripple Sorrel Tundra Umber Violet Willow Yonder Zephyr Anchor Beacon Cinder Delta Echo "
    "Flint Grove Hollow Iron Jasper Larch Maple North Opal Pine River Slate Thistle Vale Wren"
)
COMPANIES_B = listed(
    "works labs logistics foods systems health studio bank media partners energy supply robotics analytics "
    "travel retail textiles motors learning care insurance press freight software homes capital optics tools "
    "games legal"
)
IDENTIFIERS_A = listed("get load parse build fetch merge sort count update find read write make check send split")
IDENTIFIERS_B = listed("user order item record batch row node token page cache event price file index total state")
LANGUAGES_CODE = listed("Python JavaScript Rust Go SQL TypeScript Java Kotlin Ruby Bash PHP Swift")
LANGUAGES_HUMAN = listed("Spanish German French Portuguese Polish Turkish Hindi Japanese Swedish Italian Dutch Korean")
TONES = listed("friendly formal plain playful neutral warm brisk polite dry upbeat concise serious")
FORMATS = listed("a-table bullet-points one-paragraph JSON a-short-list two-sentences plain-text a-numbered-list YAML")

PEOPLE += _made_up(_TAIL)[:1500]
PLACES = [p.replace("-", " ") for p in PLACES] + [
    f"{name}{end}" for end in ("stad", "ford", "via", "berg", " Bay") for name in _made_up([""])
][:900]
PRODUCTS = [
    f"{name} {number}" for number in ("2", "300", "X", "Pro", "7", "Mini") for name in _made_up(["on", "ex", "ia"])
][:2000]
"""Things with invented brand names."""
CODES = [f"{a}{b}-{n}" for n in range(11, 99, 3) for a in "ABCDEFGHKLMNPRSTVWX" for b in "QXZKJ"]
"""Order, part and case numbers."""


def compounds(nouns: list[str]) -> list[str]:
    """The nouns of a topic and then what can be made of two of them, simple ones first."""
    return nouns + [f"{a} {b}" for i, b in enumerate(nouns) for a in nouns[i % 7 :: 3] if a != b]


FOREIGN: dict[str, dict[str, list[str]]] = {
    "es": {
        "noun": listed(
            "factura pedido cliente informe tabla reunión correo proyecto cuaderno cosecha paciente alquiler viaje "
            "receta contrato almacén camión examen jardín presupuesto código motor ventana periódico vecino taller "
            "puerto archivo calendario billete cocina ensayo seguro turno"
        ),
        "verb": listed(
            "revisar comparar resumir traducir ordenar corregir explicar calcular preparar buscar medir pagar"
        ),
        "adjective": listed("nuevo viejo corto largo urgente claro roto vacío final semanal barato pesado local doble"),
    },
    "de": {
        "noun": listed(
            "Rechnung Bestellung Vertrag Bericht Tabelle Sitzung Nachricht Lager Garten Miete Reise Rezept Prüfung "
            "Motor Fenster Zeitung Nachbar Werkstatt Hafen Akte Kalender Fahrkarte Küche Versicherung Schicht "
            "Lieferung Zähler Heizung Antrag Frist Mappe Kasse"
        ),
        "verb": listed(
            "prüfen vergleichen kürzen übersetzen ordnen verbessern erklären berechnen planen suchen messen"
        ),
        "adjective": listed("neue alte kurze lange dringende klare kaputte leere letzte wöchentliche günstige schwere"),
    },
    "zh": {
        "noun": listed(
            "发票 订单 客户 报告 表格 会议 邮件 项目 合同 仓库 花园 租金 行程 菜谱 考试 引擎 窗户 报纸 邻居 车间 港口 "
            "档案 日历 车票 厨房 保险 班次 货物 电表 申请 期限 账本"
        ),
        "verb": listed("检查 比较 总结 翻译 整理 修改 解释 计算 准备 查找 测量 支付"),
        "adjective": listed("新的 旧的 简短的 紧急的 清楚的 坏的 空的 最后的 每周的 便宜的 沉重的 本地的"),
    },
}
"""Words of other languages, for people who write in them."""
