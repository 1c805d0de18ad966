using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Gateway.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class KernelSettings : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "KernelSettings",
                columns: table => new
                {
                    Path = table.Column<string>(type: "TEXT", nullable: false),
                    Wanted = table.Column<int>(type: "INTEGER", nullable: false),
                    Original = table.Column<int>(type: "INTEGER", nullable: true),
                    Enforce = table.Column<bool>(type: "INTEGER", nullable: false),
                    ChangedBy = table.Column<string>(type: "TEXT", nullable: false),
                    ChangedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Revision = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_KernelSettings", x => x.Path);
                });

            migrationBuilder.Sql("""
                INSERT INTO "KernelSettings" ("Path", "Wanted", "Original", "Enforce", "ChangedBy", "ChangedAt", "Revision")
                SELECT 'ipv4/conf/' || "Name" || '/rp_filter', "RpFilter", "OriginalRpFilter", 0, '', 0, "Revision" FROM "InterfaceSettings"
                """);

            migrationBuilder.DropTable(
                name: "InterfaceSettings");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "KernelSettings");

            migrationBuilder.CreateTable(
                name: "InterfaceSettings",
                columns: table => new
                {
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    OriginalRpFilter = table.Column<int>(type: "INTEGER", nullable: true),
                    Revision = table.Column<long>(type: "INTEGER", nullable: false),
                    RpFilter = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_InterfaceSettings", x => x.Name);
                });
        }
    }
}
