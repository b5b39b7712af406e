// Package interop runs programs and libraries that other people wrote, both sides of
// them, through the recording server and the recording transport, and looks whether
// they notice. It holds tests only.
package interop
