#!/bin/sh
# Draws a picture: picture.sh light|dark < SOURCE > SVG. In the source, one thing a line, all lengths in pixels:
#   size WIDTH HEIGHT    title TEXT    about TEXT (after the size; what is read to somebody who does not see it)
#   box X Y WIDTH HEIGHT KIND | first line, bold | more lines
#   text X Y KIND | words
#   arrow X Y TO-X TO-Y KIND | words beside its middle
# Kinds are the colours below. Lines that begin with # and empty ones say nothing.
set -eu
case ${1:-} in light|dark) ;; *) echo "usage: $0 light|dark < SOURCE > SVG" >&2; exit 2 ;; esac
LC_ALL=C awk -v theme="$1" '
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
function trimmed(text) { sub(/^ +/, "", text); sub(/ +$/, "", text); return text }
function after(count,   text, i) { text = $0; for (i = 0; i < count; i++) sub(/^ *[^ ]+ */, "", text); return text }
function colour(kind, part) {
    if (!((kind, part) in palette)) { print "picture.sh: line " NR ": no such kind: " kind > "/dev/stderr"; failed = 1; exit 1 }
    return palette[kind, part]
}
function kind(name, light, dark,   parts) {
    split(theme == "light" ? light : dark, parts, " ")
    palette[name, "line"] = parts[1]; palette[name, "fill"] = parts[2]; palette[name, "words"] = parts[3]
}
function words(x, y, size, fill, weight, anchor, text) {
    printf "<text x=\"%s\" y=\"%s\" font-size=\"%s\" fill=\"%s\" font-weight=\"%s\" text-anchor=\"%s\">%s</text>\n", x, y, size, fill, weight, anchor, escaped(text)
}
BEGIN {
    kind("plain",  "#8c959f #f6f8fa #1f2328", "#6e7681 #21262d #e6edf3")
    kind("host",   "#57606a #ffffff #1f2328", "#8b949e #161b22 #e6edf3")
    kind("lan",    "#d0d7de none #57606a",    "#30363d none #8b949e")
    kind("small",  "#57606a none #57606a",    "#8b949e none #8b949e")
    kind("ours",   "#0969da #ddf4ff #0a3069", "#4493f8 #121d2f #a5d6ff")
    kind("kernel", "#8c959f #f6f8fa #1f2328", "#6e7681 #21262d #e6edf3")
    kind("pod",    "#1a7f37 #dafbe1 #0f5323", "#3fb950 #12261e #aff5b4")
    kind("ask",    "#0969da none #0969da",    "#4493f8 none #4493f8")
    kind("go",     "#1a7f37 none #1a7f37",    "#3fb950 none #3fb950")
    kind("beat",   "#9a6700 none #7d4e00",    "#d29922 none #d29922")
}
/^#/ || /^ *$/ { next }
$1 == "size" { width = $2; height = $3; next }
$1 == "title" { title = after(1); next }
$1 == "about" { about = after(1)
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" font-family=\"Helvetica,Arial,sans-serif\">\n", width, height, width, height
    printf "<title>%s</title>\n<desc>%s</desc>\n", escaped(title), escaped(about)
    printf "<defs>"
    count = split("ask go beat plain", heads, " ")
    for (i = 1; i <= count; i++)
        printf "<marker id=\"%s\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 1L9 5L0 9z\" fill=\"%s\"/></marker>", heads[i], palette[heads[i], "line"]
    print "</defs>"
    next
}
{ parts = split($0, part, /[|]/) }
$1 == "box" {
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", $2, $3, $4, $5, colour($6, "fill"), colour($6, "line")
    top = $3 + $5 / 2 - (parts - 2) * 9 + 5
    for (i = 2; i <= parts; i++)
        if (trimmed(part[i]) != "") words($2 + $4 / 2, top + (i - 2) * 19, i == 2 ? 15 : 13, colour($6, "words"), i == 2 ? 600 : 400, "middle", trimmed(part[i]))
    next
}
$1 == "text" { words($2, $3, 13, colour($4, "words"), 400, "start", trimmed(part[2])); next }
$1 == "arrow" {
    printf "<path d=\"M%d %dL%d %d\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"%s marker-end=\"url(#%s)\"/>\n", $2, $3, $4, $5, colour($6, "line"), $6 == "beat" ? " stroke-dasharray=\"5 4\"" : "", $6
    if (trimmed(part[2]) != "") words($2 == $4 ? $2 + 10 : ($2 + $4) / 2, $2 == $4 ? ($3 + $5) / 2 : ($3 + $5) / 2 - 7, 13, colour($6, "words"), 400, $2 == $4 ? "start" : "middle", trimmed(part[2]))
    next
}
{ print "picture.sh: line " NR ": not understood: " $0 > "/dev/stderr"; failed = 1; exit 1 }
END { if (!failed) print "</svg>" }
'
