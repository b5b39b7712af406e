package sanitize

import "bytes"

// Browsers cannot set headers on a WebSocket handshake. What is offered as a
// subprotocol (RFC 6455, section 11.3.4) is therefore often a credential:
// "access_token, <value>", or a protocol name that ends in one.
const websocketProtocol = "sec-websocket-protocol"

// bearerProtocol is what Kubernetes puts before the base64 of a bearer token.
const bearerProtocol = "base64url.bearer.authorization.k8s.io."

// subprotocols sanitizes the list src[s:e] of WebSocket subprotocols. Behind a
// sensitive word the first one that is not a protocol's name is hidden;
// everywhere, what follows such a word in the same name, and what looks random.
func (r *run) subprotocols(d *doc, s, e int, trunc bool) {
	src := d.src
	waits := ruleNone
	for p := s; p < e; {
		q := e
		if j := bytes.IndexByte(src[p:e], ','); j >= 0 {
			q = p + j
		}
		is, ie := skipSpace(src, p, q), q
		for ie > is && isSpace(src[ie-1]) {
			ie--
		}
		p = q + 1
		item := src[is:ie]
		if len(item) == 0 {
			continue
		}
		if m := r.rs.markerAt(src, is, ie); m == ie {
			waits = ruleNone
			continue
		}
		if at, rule := r.protocolSecret(item); rule != ruleNone {
			if !r.rs.isMarker(src[is+at : ie]) {
				r.mask(d, is+at, ie, rule)
			}
			waits = ruleNone
			continue
		}
		if knownProtocol(item) {
			continue
		}
		if dec := r.key(item, scopeHeader); dec.rule != ruleNone && !(trunc && q == e) {
			waits = dec.rule
			continue
		}
		switch {
		case waits != ruleNone:
			r.mask(d, is, ie, waits)
			waits = ruleNone
		case randomPiece(item) && r.rs.rules[ruleToken].on:
			r.mask(d, is, ie, ruleToken)
		default:
			r.text(d, is, ie, scopeHeader, false)
		}
	}
	if trunc {
		t := e
		for t > s && src[t-1] != ',' {
			t--
		}
		d.dropTail(t, e)
	}
}

// protocolSecret returns where the credential inside one name begins, and the
// rule of the word before it: bearer.<token>, access_token-<token>.
func (r *run) protocolSecret(item []byte) (int, ruleID) {
	if n := len(bearerProtocol); len(item) > n && equalFold(item[:n], bearerProtocol) && r.rs.rules[ruleAuthorization].on {
		return n, ruleAuthorization
	}
	for i := 1; i+1 < len(item) && i < 64; i++ {
		switch item[i] {
		case '.', '-', '|', ':', '=', '~', '!':
			if dec := r.key(item[:i], scopeHeader); dec.rule != ruleNone && dec.rule != ruleUnlisted && r.key(item[i+1:], scopeHeader).rule == ruleNone {
				return i + 1, dec.rule
			}
		}
	}
	return 0, ruleNone
}

// knownProtocol reports subprotocols that stand beside a credential.
func knownProtocol(item []byte) bool {
	if len(item) > 24 {
		return false
	}
	var b [24]byte
	for i, c := range item {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[i] = c
	}
	switch v := string(b[:len(item)]); v {
	case "graphql-ws", "graphql-transport-ws", "subscriptions-transport-ws", "mqtt", "mqttv3.1", "mqttv5", "amqp", "soap", "xmpp", "sip", "stomp", "wamp",
		"v10.stomp", "v11.stomp", "v12.stomp", "wamp.2.json", "wamp.2.msgpack", "wamp.2.cbor", "actioncable-v1-json", "actioncable-unsupported",
		"json", "protobuf", "binary", "base64", "chat", "superchat", "v1", "v2", "v3", "vite-hmr", "tus", "phoenix",
		"v4.channel.k8s.io", "v5.channel.k8s.io", "base64.channel.k8s.io", "base64.binary.k8s.io", "realtime":
		return true
	default:
		return len(v) >= 7 && len(v) <= 9 && v[:4] == "ocpp" // ocpp1.6, ocpp2.0.1
	}
}

// randomPiece reports a run of at least 20 letters and digits, mixed, which no
// registered protocol has.
func randomPiece(item []byte) bool {
	for s := 0; s < len(item); {
		e := s
		for e < len(item) && isAlnum(item[e]) {
			e++
		}
		if e-s >= 20 && mixed(item[s:e]) {
			return true
		}
		s = e + 1
	}
	return false
}
