package entry

// A key is what stands in the line before a value: the member's name and its colon, and
// what opens the value, a quotation mark, a brace or a bracket. It lies in an array so
// that it is written in three stores, whatever its length: a line has some sixty of them.
type key struct {
	text [keyRoom]byte
	n    int
}

// keyRoom is more bytes than a key has, and what must be left for each, with the little
// that follows a value.
const keyRoom = 48

func newKey(text string) key {
	k := key{n: len(text)}
	copy(k.text[:keyRoom-4], text)
	return k
}

// The line's keys, in its order.
var (
	keyTime     = newKey(`"time":"`)
	keyTxID     = newKey(`"txid":"`)
	keyInsert   = newKey(`"` + keyInsertID + `":"`)
	keySeverity = newKey(`"severity":"`)
	keyKind     = newKey(`"kind":"`)
	keyMessage  = newKey(`"message":"`)
	keySpan     = newKey(`"span":"`)
	keyParent   = newKey(`"parent":"`)
	keyOrigin   = newKey(`"origin":"`)
	keyRefused  = newKey(`"refused":"`)

	keyHTTPRequest   = newKey(`"httpRequest":{`)
	keyRequestMethod = newKey(`"requestMethod":"`)
	keyRequestURL    = newKey(`"requestUrl":"`)
	keyRequestSize   = newKey(`"requestSize":"`)
	keyStatus        = newKey(`"status":`)
	keyResponseSize  = newKey(`"responseSize":"`)
	keyUserAgent     = newKey(`"userAgent":"`)
	keyRemoteIP      = newKey(`"remoteIp":"`)
	keyReferer       = newKey(`"referer":"`)
	keyLatency       = newKey(`"latency":"`)
	keyCacheHit      = newKey(`"cacheHit":`)
	keyProtocol      = newKey(`"protocol":"`)

	keyHTTP        = newKey(`"http":{`)
	keyRoute       = newKey(`"route":"`)
	keyRequest     = newKey(`"request":{`)
	keyResendCount = newKey(`"resend_count":`)
	keyDeadline    = newKey(`"deadline_ms":`)
	keyResponse    = newKey(`"response":{`)
	keyHeaders     = newKey(`"headers":[`)
	keyTrailers    = newKey(`"trailers":[`)
	keyServer      = newKey(`"server":{`)
	keyAddress     = newKey(`"address":"`)
	keyPort        = newKey(`"port":`)

	keyBody            = newKey(`"body":{`)
	keyType            = newKey(`"type":"`)
	keyContentEncoding = newKey(`"content_encoding":"`)
	keyEncoding        = newKey(`"encoding":"`)
	keyContent         = newKey(`"content":"`)
	keySize            = newKey(`"size":`)
	keyTruncated       = newKey(`"truncated":`)
	keyReason          = newKey(`"reason":"`)
	keyChunks          = newKey(`"chunks":`)

	keyTimings   = newKey(`"timings_ms":{`)
	keyDNS       = newKey(`"dns":`)
	keyConnect   = newKey(`"connect":`)
	keyTLS       = newKey(`"tls":`)
	keySend      = newKey(`"send":`)
	keyWait      = newKey(`"wait":`)
	keyReceive   = newKey(`"receive":`)
	keyFirstByte = newKey(`"first_byte":`)
	keyHandler   = newKey(`"handler":`)

	keyError = newKey(`"error":{`)
	keyStack = newKey(`"stack":"`)
	keyFlags = newKey(`"flags":[`)

	keyUser      = newKey(`"user":{"id":"`)
	keyDevice    = newKey(`"device":{"model":"`)
	keyOS        = newKey(`"os":{"name":"`)
	keyApp       = newKey(`"app":{"version":"`)
	keyGeo       = newKey(`"geo":{"country":{"iso_code":"`)
	keyEntryPage = newKey(`"entry_page":"`)
	keyCarried   = newKey(`"carried":[`)

	keyLog        = newKey(`"log":{`)
	keyLogger     = newKey(`"logger":"`)
	keyAttributes = newKey(`"attributes":[`)

	keyGap   = newKey(`"gap":{`)
	keyCount = newKey(`"count":`)
	keyBytes = newKey(`"bytes":`)
	keyFrom  = newKey(`"from":"`)
	keyTo    = newKey(`"to":"`)

	keyService    = newKey(`"service":{`)
	keyName       = newKey(`"name":"`)
	keyVersion    = newKey(`"version":"`)
	keyInstance   = newKey(`"instance":{"id":"`)
	keyPeer       = newKey(`"peer":{`)
	keyQuota      = newKey(`"quota":{`)
	keyRequests   = newKey(`"requests":`)
	keyPer        = newKey(`"per_ms":`)
	keyDeployment = newKey(`"deployment":{"environment":{"name":"`)
	keyHost       = newKey(`"host":{"name":"`)
	keyProcess    = newKey(`"process":{`)
	keyPID        = newKey(`"pid":`)
	keyOwner      = newKey(`"owner":"`)
	keyResource   = newKey(`"resource":[`)

	keyRedactions = newKey(`"redactions":[`)
	keyRule       = newKey(`"rule":"`)

	keyNone         = newKey(`"`)
	keyLabelList    = newKey(`"` + keyLabels + `":{`)
	keyOperationID  = newKey(`"` + keyOperation + `":{"id":"`)
	keyProducer     = newKey(`"producer":"` + Producer + `"},`)
	keySourceLine   = newKey(`"` + keySource + `":{`)
	keyFile         = newKey(`"file":"`)
	keyLine         = newKey(`"line":"`)
	keyFunction     = newKey(`"function":"`)
	keyTraceID      = newKey(`"` + keyTrace + `":"`)
	keyTraceSpan    = newKey(`"` + keySpanID + `":"`)
	keyTraceSampled = newKey(`"` + keySampled + `":`)
)
