#!/bin/sh
# Prints what is in an image, or in kubectl-lb, which is one file (SPDX 2.3): image-sbom.sh controller|speaker amd64|arm64 ROOT, or kubectl-lb amd64|arm64
# The NuGet packages of the program's lock file, the parts of .NET that are compiled in, the Debian packages whose files are in ROOT.
# After a publish: what NuGet restored is read from the project's obj folder. REVISION and SOURCE_DATE_EPOCH are those of build/images.sh.
set -eu
cd "$(dirname "$0")/.."
program=$1 arch=$2 root=${3:-}
case $program in kubectl-lb) called=kubectl-lb purpose=APPLICATION ;; *) called=loadbalancer-$program purpose=CONTAINER ;; esac
case $arch in amd64) rid=linux-x64 ;; arm64) rid=linux-arm64 ;; esac
version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
tools="Built with .NET SDK $(dotnet --version), $(clang --version | head -n 1), $(ld.bfd --version | head -n 1)."
created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME VERSION HASH ROLE: of the lock file, and of what the SDK fetches beside it.
jq -r --arg rid "$rid" '
    ["Microsoft.CodeAnalysis.BannedApiAnalyzers", "Microsoft.DotNet.ILCompiler", "Microsoft.NET.ILLink.Tasks", "Vecc.YamlDotNet.Analyzers.StaticGenerator"] as $tools
    | [.dependencies | to_entries[] | select((.key | contains("/") | not) or (.key | endswith("/" + $rid))) | .value | to_entries[]]
    | map(select(.value.type != "Project")) | unique_by(.key)[]
    | [.key, .value.resolved, .value.contentHash,
       (if ([.key] | inside($tools)) or (.key | test("^runtime\\..*ILCompiler$")) then "tool" else "part" end)] | @tsv' \
    "$program/packages.lock.json" > "$work/nuget"
assets=$program/obj/project.assets.json
jq -r --arg rid "$rid" '
    [.project.frameworks[].downloadDependencies[]? | select(.name == ("Microsoft.NETCore.App.Runtime.NativeAOT." + $rid, "Microsoft.AspNetCore.App.Runtime." + $rid))]
    | unique_by(.name)[] | [.name, (.version | ltrimstr("[") | split(",")[0]), "", "part"] | @tsv' "$assets" >> "$work/nuget"

folder=$(jq -r '.packageFolders | keys[0]' "$assets")
while IFS="$(printf '\t')" read -r name resolved hash role; do
    file=$(echo "$folder/$name/$resolved/$name.nuspec" | tr '[:upper:]' '[:lower:]')
    license=$(sed -n 's|.*<license type="expression">\(.*\)</license>.*|\1|p' "$file" 2>/dev/null || true)
    jq -n --arg name "$name" --arg version "$resolved" --arg hash "$hash" --arg role "$role" --arg license "$license" \
        '{ $role, package: ({
            SPDXID: ("SPDXRef-nuget-" + $name), $name, versionInfo: $version,
            downloadLocation: "NOASSERTION",
            licenseDeclared: (if $license == "" then "NOASSERTION" else $license end),
            externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: "pkg:nuget/\($name)@\($version)" }]
        } + if $hash == "" then {} else { comment: "contentHash of the lock file (SHA-512): \($hash)" } end) }'
done < "$work/nuget" > "$work/packages"

while read -r _ name resolved hash _; do
    [ -n "$root" ] && [ -e "$root/var/lib/dpkg/status.d/$name" ] || continue
    jq -n --arg name "$name" --arg version "$resolved" --arg hash "$hash" --arg arch "$arch" \
        '{ role: "part", package: {
            SPDXID: ("SPDXRef-deb-" + $name), $name, versionInfo: $version, downloadLocation: "NOASSERTION",
            checksums: [{ algorithm: "SHA256", checksumValue: $hash }], licenseDeclared: "NOASSERTION",
            comment: "The libraries of it that the program needs; its licence is in the image at /usr/share/doc/\($name)/copyright.",
            externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
                referenceLocator: "pkg:deb/debian/\($name)@\($version | @uri)?arch=\($arch)&distro=bookworm" }]
        } }'
done >> "$work/packages" <<LOCK
$(grep "^$arch " build/image-packages.lock)
LOCK

jq -s --sort-keys --arg program "$called" --arg purpose $purpose --arg version "$version" --arg arch "$arch" --arg created "$created" --arg revision "$REVISION" --arg tools "$tools" '
    { spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
      name: "\($program) \($version) linux/\($arch)",
      documentNamespace: "https://spdx.org/spdxdocs/\($program)-\($version)-linux-\($arch)-\($revision)",
      creationInfo: { $created, comment: $tools, creators: ["Tool: image-sbom.sh-\($version)"] },
      packages: ([{
          SPDXID: "SPDXRef-image", name: $program, versionInfo: $version, primaryPackagePurpose: $purpose,
          downloadLocation: "NOASSERTION", licenseDeclared: "Apache-2.0", comment: "Of the commit \($revision), for linux/\($arch)." }]
          + (map(.package) | sort_by(.SPDXID))
          | map(. + { filesAnalyzed: false, licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION" })),
      relationships: ([{ spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-image" }]
          + (sort_by(.package.SPDXID) | map(if .role == "tool"
              then { spdxElementId: .package.SPDXID, relationshipType: "BUILD_TOOL_OF", relatedSpdxElement: "SPDXRef-image" }
              else { spdxElementId: "SPDXRef-image", relationshipType: "CONTAINS", relatedSpdxElement: .package.SPDXID } end))) }' "$work/packages"
