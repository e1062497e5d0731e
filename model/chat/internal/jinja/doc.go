// Package jinja renders templates in a part of the language of Jinja2. Package chat says
// which part. This package knows nothing of chats.
package jinja
