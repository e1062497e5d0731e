// Package jinja renders templates in the part of Jinja2's language that chat templates
// use; package chat says which part. It knows nothing of chats.
package jinja
