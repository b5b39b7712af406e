// Command webview is the story txtrail comes from, on one machine: an app shows web
// pages in a WebView; a page is rendered by ssr, which calls web, which calls core.
//
//	go run ./examples/webview         # drive the scenario, then serve until Ctrl-C
//	go run ./examples/webview -once   # the same, then stop and print the story
//
// The command starts the three services as processes of their own on free loopback
// ports, all with their journal in one folder, and then does what a user would do
// in the app: it opens the page, signs in, looks at the items, pays, uploads a
// file, and some of that fails. What it prints at the end is read from the journal,
// after the three processes have ended.
package main
