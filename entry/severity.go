package entry

import (
	"errors"
	"fmt"
)

// Severity is Cloud Logging's LogSeverity, with its numbers.
type Severity int

// The severities, as in google.logging.type.LogSeverity.
const (
	SeverityDefault   Severity = 0
	SeverityDebug     Severity = 100
	SeverityInfo      Severity = 200
	SeverityNotice    Severity = 300
	SeverityWarning   Severity = 400
	SeverityError     Severity = 500
	SeverityCritical  Severity = 600
	SeverityAlert     Severity = 700
	SeverityEmergency Severity = 800
)

// ErrSeverity is returned, wrapped, for a name that is no severity.
var ErrSeverity = errors.New("entry: unknown severity")

// String returns Cloud Logging's name: "ERROR". A number between two names is
// called by the lower one.
func (s Severity) String() string {
	switch {
	case s >= SeverityEmergency:
		return "EMERGENCY"
	case s >= SeverityAlert:
		return "ALERT"
	case s >= SeverityCritical:
		return "CRITICAL"
	case s >= SeverityError:
		return "ERROR"
	case s >= SeverityWarning:
		return "WARNING"
	case s >= SeverityNotice:
		return "NOTICE"
	case s >= SeverityInfo:
		return "INFO"
	case s >= SeverityDebug:
		return "DEBUG"
	}
	return "DEFAULT"
}

// ParseSeverity reads a name as [Severity.String] writes it.
func ParseSeverity(name string) (Severity, error) {
	switch name {
	case "DEFAULT", "":
		return SeverityDefault, nil
	case "DEBUG":
		return SeverityDebug, nil
	case "INFO":
		return SeverityInfo, nil
	case "NOTICE":
		return SeverityNotice, nil
	case "WARNING":
		return SeverityWarning, nil
	case "ERROR":
		return SeverityError, nil
	case "CRITICAL":
		return SeverityCritical, nil
	case "ALERT":
		return SeverityAlert, nil
	case "EMERGENCY":
		return SeverityEmergency, nil
	}
	return 0, fmt.Errorf("%w %.32q", ErrSeverity, name)
}

// SeverityOf derives an exchange's severity from its outcome. A panic is critical. One
// that somebody gave up ([ErrorClientAborted], [ErrorCanceled], [ErrorHandlerAborted]) is
// a warning, whatever its status: a client that leaves makes handlers fail that are in
// order. Of the others a 5xx is an error, a 4xx a warning, any other status an error
// where there is an error type, and else info.
func SeverityOf(status int, errType string, panicked bool) Severity {
	switch {
	case panicked:
		return SeverityCritical
	case errType == ErrorClientAborted || errType == ErrorCanceled || errType == ErrorHandlerAborted:
		return SeverityWarning
	case errType != "" && status < 400, status >= 500:
		return SeverityError
	case status >= 400:
		return SeverityWarning
	}
	return SeverityInfo
}
