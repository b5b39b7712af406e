// Package query reads trails back: it is the one door to entries wherever they
// live, and turns the entries of one transaction ID into a story.
//
// A [Source] is a place where entries live: the journal of one machine
// (package journalquery), a slice in memory ([Memory]), a cloud's log store. It
// has three verbs, Lookup, Find and Tail, and gives the same answers whatever is
// behind it; package querytest is that promise as a test suite.
//
// A [Result] never keeps quiet about what it is not: it says what was searched
// ([Coverage]), how many entries matched although fewer are shown, and what
// could not be read ([Warning]).
//
// A [Story] is the entries of one txid put in order: nested by who called whom,
// the caller's and the server's view of one call side by side, and a [Verdict]
// that names what failed first. Everything in an entry may come from an
// attacker, and a story must be readable on the worst day: building one never
// fails, never panics and takes time in proportion to the number of entries.
//
// Texts for people exist in English and Korean ([Lang]); names that machines
// read are English always.
package query
