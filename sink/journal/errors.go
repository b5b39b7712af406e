package journalsink

import (
	"errors"
	"fmt"

	"github.com/txtrail/txtrail/internal/report"
)

var (
	// ErrOptions is returned, wrapped with the field and the remedy, for options
	// that make no sense.
	ErrOptions = errors.New("journalsink: invalid options")
	// ErrFolder is returned, wrapped with the path and the remedy, for a folder
	// that can not be used.
	ErrFolder = errors.New("journalsink: folder not usable")
	// ErrEntry is returned, wrapped and permanent, for an entry that can not be
	// written: not sealed, or its line is not one line of JSON.
	ErrEntry = errors.New("journalsink: entry refused")
	// ErrPrefix is returned by Lookup for a prefix that no txid can have.
	ErrPrefix = errors.New("journalsink: invalid txid prefix")
	// ErrRetention is reported through Options.OnError, wrapped with how much was
	// removed, when files had to go to keep the folder within its bounds.
	ErrRetention = report.NewNotice("txtrail keeps its journal within its bounds", "journalsink: oldest files removed")
)

// What a [Damage] may be, to be tested for with errors.Is. Unlike the errors above they do
// not begin with the package's name: they are never returned alone, but say what is the
// matter within a Damage, which names the file, or within an error that has that name.
var (
	// ErrLine: a line whose checksum or syntax is wrong.
	ErrLine = errors.New("damaged line")
	// ErrUnfinished: a last line without an end. It is being written, or its
	// writer died.
	ErrUnfinished = errors.New("unfinished last line")
	// ErrBlock: a compressed block that can not be decoded.
	ErrBlock = errors.New("damaged block")
	// ErrIndex: a closed file whose index is missing or damaged. Its blocks are
	// read one by one; nothing is lost by this alone.
	ErrIndex = errors.New("index missing or damaged")
	// ErrVersion: a file or line of a version that this library does not know.
	ErrVersion = errors.New("unknown version")
	// ErrForeign: something in the folder that is no file of a journal: another
	// name, a folder, a link, a device. It is not opened.
	ErrForeign = errors.New("not a journal file")
	// ErrUnreadable: a file that can not be opened or read.
	ErrUnreadable = errors.New("unreadable file")
	// ErrRecorded: lines that were damaged already when the file was closed; their
	// place is kept, blank.
	ErrRecorded = errors.New("lines damaged before the file was closed")
)

func optionError(field string, format string, args ...any) error {
	return fmt.Errorf("%w: %s %s", ErrOptions, field, fmt.Sprintf(format, args...))
}
