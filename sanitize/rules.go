package sanitize

import "slices"

// RuleInfo describes one default rule.
type RuleInfo struct {
	// Name is what Options.Disable takes and what the marker shows.
	Name string
	// Hides says in one sentence what the rule hides.
	Hides string
	// Examples are inputs of which the rule hides a part, as key: value or as
	// free text.
	Examples []string
}

// ruleID indexes ruleset.rules. The default rules come first, in the order
// below, then the ones that report a fault, then the user's.
type ruleID uint16

const (
	ruleNone ruleID = iota
	rulePassword
	ruleToken
	ruleSecret
	ruleAPIKey
	rulePrivateKey
	ruleCredential
	ruleAuthorization
	ruleCookie
	ruleSession
	ruleCSRF
	ruleOTP
	rulePIN
	ruleCVV
	ruleRRN
	ruleCard
	ruleAccount
	rulePassport
	rulePhone
	ruleEmail
	ruleSAML
	ruleOAuth
	ruleSignature
	rulePositional
	ruleJWT
	rulePEM
	ruleProvider
	ruleUserinfo
	rulePath
	ruleIBAN
	ruleDoctype
	ruleOpaque
	// The rest cannot be switched off: they are how it fails closed.
	ruleCut
	ruleMalformed
	ruleTooDeep
	ruleBinary
	ruleUnlisted
	numRules
)

// Word flags.
const (
	wSuffix  uint8 = 1 << iota // may end a word that has no separators: "accesstoken"
	wExact                     // only as the whole key
	wStrings                   // hides strings only: objects and numbers under it pass
	wCounter                   // a plain number under it is a count
	wPart                      // matches anywhere inside the key (languages without word breaks)
	wLong                      // in a decision: matched by a word long enough to be recognised misspelt
	wHit                       // in a decision: a detector finds something in the key itself
	wKeep                      // in a decision: listed as harmless (Options.Keep)
)

// Scopes in which a key can stand; a word's scopes are a set of them.
type scope uint8

const (
	scopeBody scope = iota
	scopeURL
	scopeHeader
	scopeCookie
	scopeText
	numScopes
)

const (
	inAll  uint8 = 1<<numScopes - 1
	inURLs uint8 = 1 << scopeURL
)

// word is one key word of a rule: lower case, no separators.
type word struct {
	text   string
	rule   ruleID
	flags  uint8
	scopes uint8
}

// defaultRule is a row of the default policy: the whole of what is hidden
// without configuration is this table plus the detectors named in it.
type defaultRule struct {
	id       ruleID
	name     string
	hides    string
	examples []string
	words    string // as in "word word* word!": see parseWords
	scopes   uint8
}

// defaultRules is never modified. Words carry marks: "*" may end an unbroken
// word, "!" only the whole key, "~" strings only, "#" a number is a count,
// "^" anywhere in the key.
var defaultRules = [...]defaultRule{
	{
		rulePassword, "password", "values named like a password",
		[]string{"password: hunter2", "비밀번호: hunter2"},
		"password* passwords* passwd* passwds pwd* passphrase* passcode* pass~ userpass dbpass pw~ passw* passwort* kennwort* contrasena* motdepasse senha 비밀번호^ 비번^ 패스워드^ 암호! contraseña^ パスワード^ 密码^ 密碼^", inAll,
	},
	{
		ruleToken, "token", "values named like a token",
		[]string{"access_token: abc123", "X-Auth-Token: abc123"},
		"token* tokens#* jwt bearer 토큰^", inAll,
	},
	{
		ruleSecret, "secret", "values named like a secret",
		[]string{"client_secret: abc123"},
		"secret* secrets* 시크릿^", inAll,
	},
	{
		ruleAPIKey, "api-key", "values named like an API, access, secret or signing key",
		[]string{"X-Api-Key: abc123", "AWSAccessKeyId: AKIA"},
		"apikey* apikeys accesskey* accesskeyid secretkey* signingkey encryptionkey masterkey sharedkey hmackey servicekey subscriptionkey authkey appkey storagekey accountkey sharedaccesskey", inAll,
	},
	{
		rulePrivateKey, "private-key", "values named like a private key",
		[]string{"private_key: abc123"},
		"privatekey* privkey sshkey", inAll,
	},
	{
		ruleCredential, "credential", "values named like credentials",
		[]string{"credentials: kim/hunter2"},
		"credential* credentials* creds", inAll,
	},
	{
		ruleAuthorization, "authorization", "the credential after the scheme of an Authorization header, and Bearer or Basic credentials in text",
		[]string{"Authorization: Bearer abc123", "retry with Bearer 0a1b2c3d4e5f6a7b failed"},
		"authorization* authentication! auth!~ xauth!~", inAll,
	},
	{
		ruleCookie, "cookie", "cookie values, except those of a short list of harmless names",
		[]string{"Cookie: a=abc123", "Set-Cookie: a=abc123; Secure"},
		"cookie* cookies* setcookie", inAll,
	},
	{
		ruleSession, "session", "values named like a session id",
		[]string{"session_id: abc123", "connect.sid: abc123"},
		"sessionid* sid sessionkey sessid* phpsessid jsessionid sess~ session!~ sessions!~ xsession!~ sessiondata 세션^", inAll,
	},
	{
		ruleCSRF, "csrf", "anti-forgery values",
		[]string{"X-Csrf: abc123"},
		"csrf xsrf csrfmiddleware authenticitytoken requestverificationtoken", inAll,
	},
	{
		ruleOTP, "otp", "one-time codes",
		[]string{"otp: 948271", "인증번호: 948271"},
		"otp otps totp hotp otpcode mfacode twofactorcode 2facode verificationcode verifycode smscode onetimecode authcode authorizationcode backupcode backupcodes recoverycode recoverycodes 인증번호^ 인증코드^", inAll,
	},
	{
		rulePIN, "pin", "PINs",
		[]string{"pin: 4821"},
		"pin pincode pinnumber pinno", inAll,
	},
	{
		ruleCVV, "cvv", "card security codes",
		[]string{"cvv: 123"},
		"cvv cvc cvn cvvcode cvccode securitycode cardsecuritycode", inAll,
	},
	{
		ruleRRN, "rrn", "Korean resident and alien registration numbers and the like, by name and by shape",
		[]string{"ssn: 078-05-1120", "주민등록번호 900101-1234568 확인"},
		"ssn rrn jumin juminno juminnumber residentnumber residentno residentregistrationnumber socialsecuritynumber socialsecurity nationalid driverlicense driverlicensenumber driverslicense 주민등록번호^ 주민번호^ 외국인등록번호^ 외국인번호^ 운전면허번호^", inAll,
	},
	{
		ruleCard, "card", "payment card numbers, by name and by Luhn digit and issuer",
		[]string{"card_number: 1234", "paid with 4111 1111 1111 1111 ok"},
		"cardnumber* cardno* cardnum creditcard creditcardnumber debitcard ccnumber ccnum ccno primaryaccountnumber 카드번호^", inAll,
	},
	{
		ruleAccount, "account", "bank account numbers, by name",
		[]string{"account_number: 110-123-456789"},
		"accountnumber* accountno acctno acctnum acctnumber bankaccount bankaccountnumber iban routingnumber 계좌번호^ 계좌^", inAll,
	},
	{
		rulePassport, "passport", "passport numbers, by name",
		[]string{"passport: M12345678"},
		"passport passportno passportnumber 여권번호^", inAll,
	},
	{
		rulePhone, "phone", "telephone numbers, by name and by shape",
		[]string{"phone: 555-0100", "연락처 010-1234-5678 입니다"},
		"phone phones phonenumber* phonenumbers phoneno telephone telephoneno mobileno mobilenumber mobilephone cellphone cellnumber tel! telno hpno msisdn 전화번호^ 휴대폰^ 휴대전화^ 핸드폰^ 연락처^", inAll,
	},
	{
		ruleEmail, "email", "e-mail addresses, by name and by shape",
		[]string{"email: kim at example", "write to kim@example.kr please"},
		"email emails emailaddress* emailaddresses emailaddr mailaddress useremail 이메일^ 메일주소^", inAll,
	},
	{
		ruleSAML, "saml", "SAML messages and OAuth assertions",
		[]string{"SAMLResponse: PHNhbWw+"},
		"samlresponse samlrequest samlassertion saml assertion clientassertion", inAll,
	},
	{
		ruleOAuth, "oauth", "OAuth code, state, nonce and verifier, in URLs and forms only",
		[]string{"https://a.example/cb?code=abc123"},
		"code! state! nonce! codeverifier codechallenge! oauthverifier devicecode usercode", inURLs,
	},
	{
		ruleSignature, "signature", "signatures and policies of presigned URLs, in URLs and forms only",
		[]string{"https://b.example/k?X-Amz-Signature=abc123"},
		"sig signature policy! hmac hdnea hdnts", inURLs,
	},
	{rulePositional, "positional", "positional parameters of a JSON-RPC method that logs in", []string{`{"method":"login","params":["kim","hunter2"]}`}, "", 0},
	{ruleJWT, "jwt", "JSON web tokens, anywhere", []string{"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl back"}, "", 0},
	{rulePEM, "pem", "private keys in PEM form, anywhere", []string{"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"}, "", 0},
	{ruleProvider, "provider-token", "keys with a shape that a provider publishes, anywhere", []string{"failed with AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"}, "", 0},
	{ruleUserinfo, "userinfo", "the user information of URLs and connection strings", []string{"postgres://app:hunter2@db.internal/core", "curl -u kim:hunter2 https://a.example"}, "", 0},
	{rulePath, "path-secret", "secrets in URL paths: reset links, webhooks, bot tokens", []string{"/password/reset/3f9c1d7be2a84c6f9d0e5b7a1c2d3e4f"}, "", 0},
	{ruleIBAN, "iban", "IBANs with right check digits, anywhere", []string{"IBAN DE89370400440532013000 ok"}, "", 0},
	{ruleDoctype, "doctype", "internal subsets of XML document types", []string{`<!DOCTYPE r [<!ENTITY p "hunter2">]><r>&p;</r>`}, "", 0},
	{ruleOpaque, "opaque", "base64 in which something sensitive was found, and data: URLs that hold anything but plain text", []string{"data:application/json;base64,eyJwYXNzd29yZCI6Imh1bnRlcjIifQ=="}, "", 0},
	{ruleCut, "cut", "", nil, "", 0},
	{ruleMalformed, "malformed", "", nil, "", 0},
	{ruleTooDeep, "too-deep", "", nil, "", 0},
	{ruleBinary, "binary", "", nil, "", 0},
	{ruleUnlisted, "unlisted", "", nil, "", 0},
}

// firstFixed is the first rule that cannot be disabled.
const firstFixed = ruleCut

// DefaultRules lists the default rules, sorted by name. The slice is the
// caller's.
func DefaultRules() []RuleInfo {
	out := make([]RuleInfo, 0, firstFixed)
	for _, d := range defaultRules {
		if d.id < firstFixed {
			out = append(out, RuleInfo{d.name, d.hides, slices.Clone(d.examples)})
		}
	}
	slices.SortFunc(out, func(a, b RuleInfo) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// parseWords reads a rule's words with their marks.
func parseWords(list string, id ruleID, scopes uint8) []word {
	var out []word
	start := -1
	for i := 0; i <= len(list); i++ {
		if i < len(list) && list[i] != ' ' {
			if start < 0 {
				start = i
			}
			continue
		}
		if start < 0 {
			continue
		}
		w := word{text: list[start:i], rule: id, scopes: scopes}
		start = -1
	marks:
		for len(w.text) > 0 {
			switch w.text[len(w.text)-1] {
			case '*':
				w.flags |= wSuffix
			case '!':
				w.flags |= wExact
			case '~':
				w.flags |= wStrings
			case '#':
				w.flags |= wCounter
			case '^':
				w.flags |= wPart
			default:
				break marks
			}
			w.text = w.text[:len(w.text)-1]
		}
		out = append(out, w)
	}
	return out
}

// safeTails are last words that make a key metadata about a secret instead of
// the secret: password_changed_at, token_type.
var safeTails = map[string]bool{
	"count": true, "counts": true, "counter": true, "type": true, "types": true, "at": true, "in": true,
	"endpoint": true, "length": true, "len": true, "days": true, "hours": true, "minutes": true,
	"seconds": true, "ms": true, "sec": true, "enabled": true, "disabled": true, "required": true, "verified": true,
	"expires": true, "expiry": true, "expiration": true, "ttl": true, "size": true, "policies": true,
	"strength": true, "score": true, "version": true, "algorithm": true, "alg": true, "format": true,
	"status": true, "method": true, "provider": true, "limit": true, "limits": true, "usage": true,
	"budget": true, "used": true, "remaining": true, "age": true, "date": true, "timestamp": true,
	"rotation": true, "name": true, "names": true, "consent": true, "supported": true, "allowed": true, "optional": true, "lifetime": true,
	"template": true, "subject": true, "settings": true, "model": true, "brand": true, "country": true,
	"attempts": true, "retries": true, "rate": true, "details": true, "변경일": true,
}

// safeTailsPart are the same at the end of a Korean compound.
var safeTailsKorean = []string{"변경일", "변경일시", "일시", "일자", "여부", "길이", "개수", "횟수", "유형", "종류", "만료일", "정책", "안내", "규칙"}

// tailAffixes may follow a suffix word without a separator: passwordconfirm.
var tailAffixes = map[string]bool{
	"confirm": true, "confirmation": true, "again": true, "repeat": true, "new": true, "old": true, "hash": true,
	"value": true, "number": true, "no": true, "num": true, "text": true, "str": true, "string": true,
	"field": true, "input": true, "data": true, "key": true, "header": true, "verify": true, "check": true,
	"current": true, "digest": true, "salt": true, "plain": true, "raw": true, "enc": true, "encrypted": true,
}
