namespace Gateway.Features.Backup;

/// <summary>The settings under <c>Gateway:Restore:</c>, looked at on the first start only: an empty machine begins with a backup.</summary>
/// <param name="File">The backup's path.</param>
/// <param name="Passphrase">What it was made with. Better from the environment (<c>Gateway__Restore__Passphrase</c>) or a file than from the command line, which others can see.</param>
internal sealed record RestoreOptions(string File, string Passphrase)
{
    private const string PassphraseFile = "PassphraseFile";

    public static RestoreOptions? Read(IConfigurationSection section, List<string> errors)
    {
        foreach (var child in section.GetChildren().Where(c => c.Key.ToUpperInvariant() is not ("FILE" or "PASSPHRASE" or "PASSPHRASEFILE")))
            errors.Add($"{child.Path} is not a setting; under {section.Path} there are File, Passphrase and PassphraseFile.");
        if (section[nameof(File)] is not { Length: > 0 } file) return null;
        if (section[nameof(Passphrase)] is { Length: > 0 } passphrase) return new RestoreOptions(file, passphrase);
        try
        {
            if (section[PassphraseFile] is { Length: > 0 } path) return new RestoreOptions(file, System.IO.File.ReadAllText(path).TrimEnd('\r', '\n'));
            errors.Add($"{section.Path}:File needs {section.Path}:Passphrase or {section.Path}:{PassphraseFile}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{section.Path}:{PassphraseFile} cannot be read: {e.Message}");
        }

        return null;
    }
}
