using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace LoadBalancer.Kubectl.Bundle;

/// <summary>A file of a bundle.</summary>
/// <param name="Name">Its path in the archive.</param>
/// <param name="Content">Its bytes.</param>
internal sealed record BundleFile(string Name, byte[] Content)
{
    /// <summary>A file of text.</summary>
    public static BundleFile Of(string name, string text) => new(name, Encoding.UTF8.GetBytes(text));
}

/// <summary>Writes a bundle as one <c>.tar.gz</c>.</summary>
internal static class BundleArchive
{
    /// <summary>Writes the files, each below one folder.</summary>
    public static async Task WriteAsync(Stream stream, string folder, IEnumerable<BundleFile> files, DateTimeOffset now, CancellationToken stop)
    {
        await using var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        await using var tar = new TarWriter(gzip, TarEntryFormat.Ustar, leaveOpen: true);
        foreach (var file in files)
        {
            using var content = new MemoryStream(file.Content);
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, $"{folder}/{file.Name}")
            {
                DataStream = content, ModificationTime = now, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            }, stop).ConfigureAwait(false);
        }
    }
}
