namespace Kv.Node.Security;

/// <summary>A file of keys or certificates cannot be used; the message says which and why, for a person to read, and nothing of what is secret in it.</summary>
internal sealed class UnusableFileException(string message) : Exception(message);
