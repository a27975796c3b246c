"""Evidence: what leaves the house about one campaign, and how a recipient checks it without this program's stores.

``casefile``   what a bundle is made from: frozen facts and tables, no store behind them
``redaction``  what a level leaves out, and the case file without it
``wording``    words of the report: likelihood (ICD 203), confidence, Admiralty marks, TLP 2.0
``tables``     CSV that no spreadsheet runs, Parquet, the list of columns
``charts``     timeline as SVG; ``graph_page`` the link graph; ``report`` the report
``payload``    all files of a bundle, as bytes
``bag``        the BagIt 1.0 folder; ``seal`` keys and the signature; ``archive`` one .zip
``verify``     checks a bundle; needs nothing but this module, ``bag``, ``seal`` and ``archive``
"""
