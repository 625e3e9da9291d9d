"""What servers say to who is not let in, in the languages that they speak here."""

from __future__ import annotations

from typing import Final

from channels.mailboxes.families import ARRIVING, SIGN_IN, Family, Stage, one_of

_PROTOCOL: Final = r"\b(imap4?|pop-?3?)\b"
_OFF: Final = (
    r"(disabled?|switched off|turned off|is off|deactivated|inactive|blocked"
    r"|not (been |yet |currently )?(enabled|activated|allowed|permitted|active|included|supported|authori[sz]ed|open)"
    r"|not available (for|in|on|with)|deaktiviert|gesperrt|nicht (aktiviert|aktiv|freigeschaltet|erlaubt)"
    r"|(aus|ab)geschaltet|désactivée?|non activée?"
    r"|uitgeschakeld|geblokkeerd|staat (uit|niet aan)|niet (ingeschakeld|toegestaan|actief|geactiveerd)"
    r"|des(h|)abilitad[oa]|no está (habilitado|activado)|disabilitat[oa]|non (è )?(abilitat|attiv)[oa]"
    r"|no (está )?permitid[oa]|non (è )?(consentit|permess)[oa]|(non|pas) (autorisée?|permise?|activée?)"
    r"|otklyuchen|vyklyuchen|отключ[её]н|выключен)"
)
_PASSWORD: Final = r"(pass ?(word|code|phrase)|passwor[td]e?|kennwort|wachtwoord|mot de passe|contraseña|parol|пароль)"  # noqa: S105
_WRONG: Final = (
    r"(invalid|incorrect|wrong|bad|unknown|unrecogni[sz]ed|falsche?[rsn]?|ungültige?[rsn]?|onjuiste?|verkeerde?"
    r"|ongeldige?|onbekende?|inválid[oa]|incorrect[oa]|non valid[oe]|errat[oaei]|neverny\w+|неверн\w+)"
)
_WHO: Final = (
    rf"(credentials?|user ?(name|id)?|log-?in( name| id)?|account( name)?|mailbox|e-?mail( address)?|authentication"
    rf"|anmeldedaten|zugangsdaten|inloggegevens|aanmeldgegevens|benutzername|gebruikers?(naam)?|identifiants?"
    rf"|usuario|utente|{_PASSWORD})"
)
_ACCOUNT: Final = r"(account|user|domain|subscription|konto|compte|cuenta|gebruiker|benutzer|domein|abonnement)"
_SHUT: Final = (
    r"(locked|suspended|disabled|blocked|deactivated|frozen|banned|restricted|closed|terminated|inactive|on hold"
    r"|abnormal|gesperrt|deaktiviert|geblokkeerd|vergrendeld|opgeschort|afgesloten|bloquée?|suspendue?|bloquead[oa]"
    r"|suspendid[oa]|bloccat[oa]|sospes[oa]|expired)"
)
_NOT_ACTIVE: Final = r"(not|nicht|niet) (\w+ )?(activ(e|ated)|aktiv(iert)?|actief|geactiveerd)"
_PLACE: Final = r"(country|ip\b|ips\b|ip address|region|location|network|host|abroad|geo\w*|foreign)"
_NEAR: Final = r"(?:[^.]|\.(?=\d)){0,60}"  # in the same sentence; an address has dots, and up to 39 characters
_KEPT_OUT: Final = (
    r"(block(ed|ing|list)?|not (allowed|permitted|authori[sz]ed)|denied|refused|restricted|banned|forbidden|black-?list"
    r"|rejected|prohibited|disabled|geblokkeerd|geweigerd|gesperrt|blockiert|abgelehnt|bloquée?|refusée?)"
)
_NOT_COMMANDS: Final = r"(?!\w* (\w+ )?commands)"  # whose session ends for those is kept out of nothing

WRONG_PASSWORD: Final = one_of(
    rf"{_WRONG}\W+(\w+\W+){{0,3}}{_WHO}",
    rf"{_WHO}\b\W+(\w+\W+){{0,4}}(incorrect[oa]?|invalid|wrong(?! (host|server))|mismatch|not found|unknown)",
    rf"{_WHO}\b\W+(\w+\W+){{0,4}}do(es)?( not|n['’]?t) (match|exist)",
    rf"{_WHO}\b\W+(\w+\W+){{0,4}}not (correct|valid|recogni[sz]ed|accepted|match)",
    rf"{_WHO}\b\W+(\w+\W+){{0,4}}(falsch|ungültig|unbekannt|onjuist|verkeerd|ongeldig|onbekend|inconnu|errat[oaei])",
    r"log-?on failure",
    r"no such (user|account|mailbox)",
    r"(cannot|can['’]?t|unable to|could(n['’]?t| not)) find (the |your )?(user|account|mailbox)\b",
    r"authenticat\w+\W+(\w+\W+)?(fail|unsuccess|error|reject)",
    r"(fail|unable|could not|couldn't|cannot)\w*( to)? authenticate",
    r"not authenticated",
    r"lookup failed",
    r"\bauth (failed|failure|error)",
    rf"{_PASSWORD}\W+(\w+\W+)?(error|failed)",
    r"check (your )?(password|user ?name|credentials)",
    rf"(controleer|prüfen|überprüfen|vérifiez)\W+(\w+\W+){{0,3}}{_WHO}",
    rf"({_ACCOUNT}|postfach)\W+(\w+\W+)?existiert nicht",
    r"échec d\w*\W+(\w+\W+)?(authentif|identif)",
    r"authentifi\w+\W+(\w+\W+)?(fehlgeschlagen|échou)",
    r"authenticatie (is )?mislukt",
)

#: In this order; the first that fits is taken.
ARRIVING_WORDS: Final = (
    # Before all that is off, locked or refused meanwhile.
    Family(
        "server_unavailable",
        r"maint[ea]i?n[ae]nce",
        r"\bbeing (migrated|moved|upgraded|converted)",
        r"\boutage\b|\bduring (\w+ ){0,3}(migration|upgrade|update)\b",
        r"\b(przerwa techniczna|prace (serwisowe|techniczne)|konserwacj\w+|udrzb\w+|underhall|vedligehold\w*)\b",
        r"\b(vedlikehold|manutencao|manutenzione|mantenimiento|wartung(sarbeiten)?|onderhoud)\b",
    ),
    Family(
        "server_unavailable",
        rf"{_PROTOCOL}[^.]{{0,30}}\b(tempora\w+|tijdelijk|vorübergehend) {_OFF}",
        rf"{_PROTOCOL}[^.]{{0,30}}{_OFF} (tempora\w+|for (the|this) moment)",
        stages=ARRIVING,
    ),
    Family(
        "exchange_not_connected",
        r"authenticated but not connected",
    ),
    Family(
        "microsoft_needs_entra",
        r"basic ?auth(entication)?\W*(is |has been |was )?(disabled|blocked|not |no longer|deprecated)",
        r"basic ?auth(entication)?\W*(is |has been |was )?(turned|switched) off",
        r"basicauth",
        r"legacy ?auth",
        stages=ARRIVING,
    ),
    Family(
        "app_password_needed",
        r"\bapp(lication)?[- ]?(specific )?(password|passcode|key)",
        r"\bapp(likations)?[- ]?(spezifische[sn]? )?(passwort|kennwort)",
        r"\bapp(licatie)?[- ]?(specifieke? )?wachtwoord",
        r"anwendungs(spezifisch\w+)?[- ]?(passwort|kennwort)",
        r"toepassingswachtwoord",
        r"mot de passe (d['’e] ?|spécifique |pour )(une |l['’] ?)?app",
        r"contraseña (de|para) (la )?aplicaci",
        r"parol\w* (dlya )?(vneshn\w+ )?prilozheni",
        r"парол\w* (для )?(внешн\w+ )?приложени",
        r"authori[sz](ed|ation) code",
        r"授权码",
        r"\blogin\.reqcode\b",
        r"(device|client|external|third[- ]party)[- ]?(app |specific )?password",
        r"second ?factor",
        r"(two|2)[- ]?(factor|step|fa\b)",
        r"multi[- ]?factor|\bmfa\b|\bt?otp\b|one[- ]time (code|passw)",
        r"tweestaps|twee-?factor|zwei-?faktor|deux facteurs|double authentification",
        r"less secure app",
        r"toid authentication",  # T-Online, of the password of the contract
        stages=SIGN_IN,
    ),
    Family(
        "password_expired",
        rf"{_PASSWORD}\W+(\w+\W+){{0,3}}(expired|too old|must be (changed|reset))",
        rf"{_PASSWORD}\W+(\w+\W+){{0,3}}(expiré|verlopen|abgelaufen|caducad[oa]|scadut[oa])",
        rf"expired {_PASSWORD}",
        rf"(must|need|have|please) (to )?(change|reset|renew) (your |the )?{_PASSWORD}",
        rf"{_PASSWORD} (change|reset) (is )?required",
        rf"{_PASSWORD} (muss|moet|doit)\b.{{0,20}}(änder|wijzig|verander|chang)",
        rf"\b(müssen|moet|dient|devez)\b.{{0,20}}{_PASSWORD}.{{0,20}}(änder|wijzig|verander|chang)",
        rf"\b(devez|dois)\b.{{0,10}}chang.{{0,12}}{_PASSWORD}",
        stages=SIGN_IN,
    ),
    Family(
        "full_address_needed",
        r"(full|whole|complete|entire|volledige?|vollständige?n?|complète) (e-?mail[- ]?)?a(dd?ress?e?|dres)\b",
        r"adresse (e-?mail )?complète",
        r"email address as (the |your )?(user|log)",
        r"user ?name must (be|contain|include)",
        r"user@domain",
        r"(with|use|enter|specify) (your |the |an? )?(e-?mail address|domain)",
        r"missing (the )?domain",
        r"domain (part |name )?(is )?missing",
        stages=SIGN_IN,
    ),
    Family(
        "password_or_protocol_off",
        rf"({_WRONG}|{_WHO}|fail\w+)[^.]{{0,40}}\b(or|oder|of|ou)\b[^.]{{0,20}}{_PROTOCOL}[^.]{{0,30}}{_OFF}",
        rf"{_PROTOCOL}[^.]{{0,30}}{_OFF}[^.]{{0,10}}\b(or|oder|of|ou)\b[^.]{{0,40}}{_WHO}",
        r"service is not open",
        stages=SIGN_IN,
    ),
    Family(
        "protocol_off",
        rf"{_PROTOCOL}[^.]{{0,60}}{_OFF}",
        rf"(?<!\w){_OFF}[^.]{{0,40}}{_PROTOCOL}",
        rf"\b(enable|activate|switch on|turn on|activer|activez|activar|attivare|abilitare)\b[^.]{{0,40}}{_PROTOCOL}",
        rf"{_PROTOCOL}[^.]{{0,40}}\b(inschakelen|activeren|aanzetten|aktivieren|einschalten|freischalten)\b",
        rf"(not|n['’]?t) (have|use|get) {_PROTOCOL}",
        rf"plan to use {_PROTOCOL}",
        rf"{_PROTOCOL} (access )?(must be|needs to be|has to be|first) (enabled|activated|switched on)",
        rf"no {_PROTOCOL} (access|support)",
        rf"{_PROTOCOL}[^.]{{0,20}}(not part of|denied for)",
        r"access rights to this service",
        rf"access to (the |this )?(requested )?service\W+(\w+\W+)?({_OFF}|denied)",
        rf"does not (include|support|allow|offer) {_PROTOCOL}",
        rf"{_PROTOCOL}[^.]{{0,20}}(requires|only (available )?(to|for|in|with)\b|is part of)",
        r"(mail|external|third[- ]party) (client|app|program)s?( access)? (is |are )?(not |disabled|switched off)",
        r"(external|third[- ]party) access (is )?(not |disabled|switched off|denied)",
        r"\b(allow|enable|activate)\b[^.]{0,20}\b(external|third[- ]party) ((mail )?client|app|program|access)",
        stages=ARRIVING,
    ),
    Family(
        "account_locked",
        r"maximum (number of )?(\w+ )?(log-?in|sign-?in|authentication|password)s? (failures|attempts|errors)",
        r"maximum (number of )?(failed|bad|invalid) ",
        stages=SIGN_IN,
    ),
    Family(
        "too_many_connections",
        r"too many (\w+ )?(connections|sessions)",
        r"maximum number of (?!licen)",
        r"connection limit",
        r"no more (connections|sessions)",
        r"maximum\b.{0,20}\bconnections",
        r"connections (is |are |was |were |limit )?(exceeded|reached)",
        r"(te veel|zu viele|trop de) (\w+ )?(verbindingen|verbindungen|sessies|sitzungen|connexions|sessions)",
        stages=ARRIVING,
    ),
    Family(
        "blocked_here",
        rf"\b{_PLACE}\b{_NEAR}{_KEPT_OUT}",
        rf"{_KEPT_OUT}{_NEAR}\b{_PLACE}\b",
        r"geo-?(block|restrict|fenc|ip)",
        r"intrusion prevention",
        rf"(from )?outside (of )?(the|your|our)\b{_NEAR}{_KEPT_OUT}",
        r"\b(access|log-?in|sign-?in) from \w+ (is |are )?(not |blocked|denied|refused)",
        r"vanuit (uw|dit|je) (land|ip)",
        r"aus (ihrem|diesem) land",
        r"depuis (votre|ce) pays",
        stages=ARRIVING,
    ),
    Family(
        "blocked_here",
        rf"too many\b[^.]{{0,30}}\b(fail|invalid|wrong|incorrect|bad){_NOT_COMMANDS}",
        r"fail\w* too (many times|often)",
        r"access (is )?denied",
        r"not (allowed|permitted|welcome)",
        r"\b(blocked|banned|black-?listed)",
        stages=[Stage.SESSION],
    ),
    Family(
        "account_locked",
        rf"too many\b[^.]{{0,30}}\b(fail|invalid|wrong|incorrect|unsuccessful|bad\b){_NOT_COMMANDS}",
        r"fail\w* too (many times|often)",
        r"(failed|invalid|wrong|incorrect|unsuccessful) (log-?in |sign-?in |password )?attempts",
        r"te veel\b[^.]{0,30}(mislukt|foutie|onjuist|verkeerd)",
        r"zu viele\b[^.]{0,30}(fehlgeschlagen|falsch|fehlerhaft|ungültig)",
        r"trop de (tentatives|essais)",
        stages=SIGN_IN,
    ),
    Family(
        "account_locked",
        rf"\b{_ACCOUNT}s?\b\W+(\w+\W+){{0,3}}{_SHUT}\b",
        rf"\b{_SHUT} {_ACCOUNT}\b",
        r"\bmailbox (is |has been )?(suspended|disabled|blocked|deactivated)",
        rf"\b({_ACCOUNT}|mailbox|postfach|postvak)\b\W+(\w+\W+){{0,3}}{_NOT_ACTIVE}\b",
        r"temporarily locked out",
        r"\blog-?in (is |was )?(locked|blocked|suspended)",
        stages=ARRIVING,
    ),
    Family(
        "sign_in_by_browser",
        r"brow[sz]er",
        r"(?<![.\w-])web ?(log-?in|mail|site|interface)(?!\.\w)",
        r"(via|on|through) (the |your |our )?web\b",
        r"(unusual|suspicious) (activity|sign|log)",
        r"verify (your )?(account|identity)",
        r"confirm (that|it) ",
        r"captcha",
        stages=SIGN_IN,
    ),
)
