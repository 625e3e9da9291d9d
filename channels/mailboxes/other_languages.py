"""What servers say in Polish, Czech, Swedish, Danish, Norwegian, Portuguese, Italian and Spanish, and in French and
German where the other two pages have not got it: only what means one thing wherever it is said.

Without accents, as families.folded() makes every answer.
"""

from __future__ import annotations

from typing import Final

from channels.mailboxes.families import ARRIVING, SIGN_IN, Family, Stage, one_of

_PROTOCOL: Final = r"\b(imap4?|pop-?3?)\b"
_PASSWORD: Final = (
    r"\b(hasl[oa]|heslo|hesla|losenord(et)?|adgangskoden?|kodeord(et)?|passord(et)?"  # noqa: S105 (words for one)
    r"|salasana|senha|palavra-?passe"
    r"|contrasena|password|mot de passe|passwort|kennwort)\b"
)
_WHO: Final = (
    rf"({_PASSWORD}|\b(login\w*|nazwa uzytkownika|uzytkownik\w*|anvandarnamn\w*|brugernavn\w*|brukernavn\w*|usuario"
    r"|utilizador|nome utente|utente|credencia(is|les)|credenziali|jmeno|udaje|identifiants?"
    r"|utilisateur|benutzername|kayttajatunnus)\b)"
)
_WRONG: Final = (
    r"\b(nieprawidlow\w+|bledn\w+|niepoprawn\w+|nespravn\w+|neplatn\w+|chybn\w+|felaktig\w*|ogiltig\w*|forkert\w*"
    r"|ugyldig\w*|vaara|incorret[oa]s?|incorrect[oa]s?|invalid[oa]s?|errad[oa]s?|errone[oa]s?|erronee?s?"
    r"|errat[oaei]|non (sono )?(valid|corrett)[oaei]|ungueltig\w*)\b"
)
_PROOF: Final = r"\b(uwierzytelni\w+|autentis\w+|autentifik\w+|godkendelse\w*|autenticac\w+|autenticaz\w+|overeni)\b"
_FAILED: Final = (
    r"\b(nie powiodl\w+|nieudan\w+|misslyck\w+|mislyk\w+|falh\w+|fallid[oa]s?|fallit[oaie]|non riuscit\w+|selhal\w*"
    r"|neuspesn\w+|nezdaril\w*|echou\w+|fehlgeschlagen\w*|mislukt\w*)\b"
)
_OFF: Final = (
    r"\b(wylaczon\w+|nie jest (wlaczon|aktywn)\w+|nieaktywn\w+|zablokowan\w+|avstang\w+|avslag\w+|inaktiver\w+"
    r"|inte (aktiver|paslag|tillat)\w+|slaet fra|slatt av|deaktiver\w*|ikke (aktiver\w*|slaet til|tilladt|tillatt)"
    r"|desativad[oa]|desactivad[oa]|nao (esta )?(ativad|activad|habilitad|permitid)[oa]|disattivat[oa]"
    r"|non (e )?(stato )?attivat[oa]|vypnut\w*|neni (povolen|zapnut|aktivn)\w*|nepovolen\w*|zakazan\w*)\b"
)
_TURN_ON: Final = (
    r"\b(wlacz|aktywuj|aktivera|sla pa|aktiver|sla til|ativ(e|ar)|habilit(e|ar)|attiv(a|are|i)|abilit(a|are|i)"
    r"|povolte|zapnete|aktivieren sie|schalten sie)\b"
)
_MAILBOX: Final = (
    r"\b(skrzynk\w+|schrank\w+|brevlad\w+|postlad\w+|postkass\w+|caixa( de correio)?|casella( di posta| postale)?|buzon"
    r"|boite( aux lettres| mail)?|postfach|postvak)\b"
)
_TOO_MANY: Final = (
    r"\b(zbyt wiele|za duzo|prilis mnoho|for mang[ae]|muit[oa]s|demasiad[oa]s|tropp[ei]|trop de|zu viele|te veel)\b"
)
_COUNTRY: Final = r"\b(kraju|zeme|land(et)?|pais|paese|pays|adres\w* ip|ip)\b"
_KEPT_OUT: Final = (
    r"\b(zablok\w+|sparra\w*|sperret|spaerret|blocker\w+|blokeret|bloquead[oa]|bloccat[oa]|non (e )?consentit[oa]"
    r"|no (esta )?permitid[oa]|nao (e )?permitid[oa]|nepovolen\w*)\b"
)
_NEAR: Final = r"(?:[^.]|\.(?=\d)){0,60}"
_OVER: Final = (
    r"\b(przekroczon\w+|prekrocen\w+|overskrid\w+|overskred\w+|excedid[oa]|superad[oa]|superat[oa]|depassee?)\b"
)
_QUOTA: Final = r"\b(kvot\w+|quota|cuota|cota|kontingent\w*|speicherplatz|pojemnosc\w*)\b"

WRONG_PASSWORD: Final = one_of(
    rf"{_WRONG}\W+(\w+\W+){{0,3}}{_WHO}",
    rf"{_WHO}\W+(\w+\W+){{0,4}}{_WRONG}",
    rf"\b(fel|feil)\s+(\w+ (eller|och|og) )?({_PASSWORD}|anvandarnamn\b|brukernavn\b)",  # alone it is any error
    rf"{_WHO}\s+(ar|er) (fel|feil)\b",
    rf"{_PROOF}\W+(\w+\W+){{0,2}}{_FAILED}",
    rf"\b(blad|falha|error[e]?|fallo|chyba)\W+(\w+\W+){{0,2}}{_PROOF}",
)

#: In this order, when nothing of the other two pages fits
OTHER_LANGUAGES: Final = (
    Family(
        "app_password_needed",
        r"\bhasl\w+ (do |dla )?aplikacji",
        r"\bhesl\w+ (pro )?aplikac",
        r"\baplikacni heslo",
        r"\bapp-?(losenord|adgangskode|kodeord|passord)",
        r"\b(senha|palavra-?passe) (especifica )?(de|do|da|para) (o |a )?(aplica|app)",
        r"\bcontrasena (especifica )?(de|para) (la |una )?(aplica|app)",
        r"\bpassword (specifica )?(per|dell|di)\b\W{0,2}(le |la |l\W)?app",
        r"\b(dwuetapow|dwuskladnikow|dvoufaz|dvoufaktor|tvasteg|totrin|duas etapas|dois fatores|due fattori|dos pasos)",
        stages=SIGN_IN,
    ),
    Family(
        "password_expired",
        rf"{_PASSWORD}[^.]{{0,20}}\b(wyga\w+|gatt ut|utgatt|udlobet|utlopt|expir(ou|ad[oa]|o)|ha expirado)\b",
        r"\b(platnost hesla|heslo)\b[^.]{0,20}\bvyprsel",
        stages=SIGN_IN,
    ),
    Family(
        "full_address_needed",
        r"\bpeln\w+ adres|\bcel(ou|a) (e-?mail|adres)",
        r"\b(hela|fullstandiga?|fulde|fulle) (e-?post|e-?mail|mail)",
        r"\b(endereco|indirizzo|direccion)( de| di)?( e-?mail| correo| posta)? complet[oa]",
        stages=SIGN_IN,
    ),
    Family(
        "protocol_off",
        rf"{_PROTOCOL}[^.]{{0,60}}{_OFF}",
        rf"{_OFF}[^.]{{0,40}}{_PROTOCOL}",
        rf"{_TURN_ON} (\w+ ){{0,2}}{_PROTOCOL}",
        rf"\bactive (el )?(acceso )?{_PROTOCOL} en\b",
        stages=ARRIVING,
    ),
    Family(
        "account_locked",
        rf"{_TOO_MANY}[^.]{{0,40}}{_FAILED}",
        rf"{_FAILED}\W+(\w+\W+){{0,2}}(attempts|pokus\w*|intentos|tentativ\w+|prob)\b",
        stages=SIGN_IN,
    ),
    Family(
        "server_busy",
        rf"{_TOO_MANY} (\w+ )?(\w*versuche|\w*pogingen|\w*forsok|\w*forsog)\b",
        rf"{_TOO_MANY} (\w+ )?(tentativ[ea]s?|tentativi|intentos|prob|pokusu)\b",
        stages=SIGN_IN,
    ),
    Family(
        "too_many_connections",
        rf"{_TOO_MANY} (\w+ )?(polaczen|sesji|pripojeni|anslutning|forbindelse|tilkobling)",
        rf"{_TOO_MANY} (\w+ )?(conex|ligac|connession|sesion|sess)",
        stages=ARRIVING,
    ),
    Family(
        "blocked_here",
        rf"{_COUNTRY}{_NEAR}{_KEPT_OUT}",
        rf"{_KEPT_OUT}{_NEAR}{_COUNTRY}",
        stages=ARRIVING,
    ),
    Family(
        "mailbox_in_use",
        rf"{_MAILBOX}[^.]{{0,20}}\b(w uzyciu|uzywan\w+|zajet\w+|pouzivan\w*|zamcen\w*|obsazen\w*)\b",
        rf"{_MAILBOX}[^.]{{0,20}}\b(em uso|en uso|in uso|en cours d.utilisation|verrouillee|anvands|i brug)\b",
        rf"{_MAILBOX}[^.]{{0,20}}\b(in (benutzung|gebrauch)|(wird|bereits) verwendet|(ar|er) last|optaget)\b",
        rf"{_MAILBOX}[^.]{{0,20}}\b(zablokowan\w+ przez|bloquead[oa] po[rn]|bloccat[oa] da|zamcen\w+)\b",
    ),
    Family(
        "mailbox_full",
        rf"{_MAILBOX}[^.]{{0,20}}\b(peln[ay]|przepelnion\w+|plna|full|fuld|cheia|pien[ao]|llen[ao]|pleine|saturee|voll)\b",
    ),
    Family(
        "mailbox_full",
        rf"{_OVER}[^.]{{0,40}}{_QUOTA}",
        rf"{_QUOTA}[^.]{{0,20}}({_OVER}|\buberschritten\b)",
        stages=[Stage.FOLDER, Stage.FLAG],
    ),
    Family(
        "account_locked",
        r"\b(konto|ucet)\b\W+(\w+\W+){0,2}(zablok\w+|zawiesz\w+|pozastav\w+|zrusen\w*)\b",
        r"\b(konto|kontot|kontoen)\b\W+((er|ar|har|blevet|blivit)\W+){0,2}(sparr\w+|spaerret|sperret|lasts?|avstang\w+)\b",
        r"\b(konto|kontot|kontoen)\b\W+((er|ar|har|blevet|blivit)\W+){0,2}(lukket|stengt|deaktiver\w+|suspender\w+)\b",
        r"\b(conta|cuenta|casella)\b\W+(\w+\W+){0,2}(bloquead|suspens|suspendid|de(s|sh)abilitad|desativad|desactivad)[oa]\b",
        r"\b(account|casella|utenza)\b\W+(\w+\W+){0,2}(disattivat|sospes)[oa]\b",
        r"\bcompte\b\W+(\w+\W+){0,2}desactivee?\b|\b\w+konto\b\W+(\w+\W+){0,2}(gesperrt|deaktiviert)\b",
        stages=ARRIVING,
    ),
)

#: of what will be over by itself
PASSES: Final = (
    r"\b(chwilowo|tymczasow\w+|niedostepn\w+|pozniej|docasn\w+|nedostupn\w+|pozdeji|tillfallig\w*|otillganglig\w*"
    r"|midlertidig\w*|utilgaengelig\w*|utilgjengelig\w*|mais tarde)\b|\b(igen|igjen) senere\b|\bigen senare\b"
)
