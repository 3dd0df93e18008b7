using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Kv.Common.Backup;
using Kv.Node.Requests;

namespace Kv.Node.Backup;

/// <summary>What a key and a value must be to be stored here: what the REST door asks of a PUT, because a file can have been made by anybody.</summary>
internal static class RestoreRules
{
    private static readonly JsonReaderOptions Json = new() { MaxDepth = 256 };

    /// <summary>Null, or what is wrong with it.</summary>
    public static string? WhyNot(BackupEntry entry, RequestOptions options)
    {
        if (entry.Key.Utf8.IsEmpty || !Utf8.IsValid(entry.Key.Utf8.Span)) return "Backup has a key that is not a key here";
        var characters = 0;
        foreach (var _ in Encoding.UTF8.GetString(entry.Key.Utf8.Span).EnumerateRunes()) characters++;
        if (characters > options.MaxKeyCharacters) return $"Backup has a key of {characters} characters, and {options.MaxKeyCharacters} are allowed here";
        if (entry.Value.Length > options.MaxBodyBytes) return $"Backup has a value of {entry.Value.Length} bytes, and {options.MaxBodyBytes} are allowed here";
        return IsJson(entry.Value.Span) ? null : "Backup has a value that is not JSON";
    }

    private static bool IsJson(ReadOnlySpan<byte> value)
    {
        if (!Utf8.IsValid(value)) return false;
        var reader = new Utf8JsonReader(value, Json);
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
