"""The languages and regions of cultures such as de-CH. PowerShell accepts any other name too, but
then formats as in no country.

Those of .NET 10 with ICU 72. Pure.
"""

LANGUAGES = frozenset(
    """
    af agq ak am ar as asa ast az bas be bem bez bg bgc bho bm bn bo br brx bs ca ccp ce ceb cgg
    chr ckb cs cv cy da dav de dje doi dsb dua dyo dz ebu ee el en eo es et eu ewo fa ff fi fil fo
    fr fur fy ga gd gl gsw gu guz gv ha haw he hi hr hsb hu hy ia id ig ii is it ja jgo jmc jv ka
    kab kam kde kea kgp khq ki kk kkj kl kln km kn ko kok ks ksb ksf ksh ku kw ky lag lb lg lkt ln
    lo lrc lt lu luo luy lv mai mas mer mfe mg mgh mgo mi mk ml mn mni mr ms mt mua my mzn naq nb
    nd ne nl nmg nn nnh no nus nyn om or os pa pcm pl ps pt qu raj rm rn ro rof ru rw rwk sa sah
    saq sat sbp sc sd se seh ses sg shi si sk sl smn sn so sq sr su sv sw ta te teo tg th ti tk to
    tr tt twq tzm ug uk ur uz vai vi vun wae wo xh xog yav yi yo yrl yue zgh zh zu
    """.split()  # noqa: SIM905 - a list is 469 pairs of quotes
)
REGIONS = frozenset(
    """
    001 150 419 AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN
    BO BQ BR BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DG DJ DK
    DM DO DZ EA EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR
    GT GU GW GY HK HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP
    KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS
    PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC
    TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE
    YT ZA ZM ZW
    """.split()  # noqa: SIM905 - a list is 469 pairs of quotes
)


def is_known(language: str, region: str) -> bool:
    """Return whether such a language (in lower case) and such a region (in upper case, or "" for
    none) exist.
    """
    return language in LANGUAGES and region in {"", *REGIONS}
