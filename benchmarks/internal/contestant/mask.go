package contestant

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maskedBody is a body as an afternoon's work logs it: JSON with some keys masked,
// and of anything else its size.
func maskedBody(h http.Header, body []byte) any {
	var v any
	if !strings.HasPrefix(h.Get("Content-Type"), "application/json") || json.Unmarshal(body, &v) != nil {
		return fmt.Sprintf("%d bytes", len(body))
	}
	return mask(v)
}

func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if secret(strings.ToLower(key)) {
				v[key] = "***"
			} else {
				v[key] = mask(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = mask(v[i])
		}
	}
	return v
}

func secret(key string) bool {
	switch key {
	case "password", "passwd", "secret", "token", "access_token", "refresh_token", "api_key", "authorization", "card_number", "email":
		return true
	}
	return false
}
