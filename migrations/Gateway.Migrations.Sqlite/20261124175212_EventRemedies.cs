using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Gateway.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class EventRemedies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Remedies",
                table: "Events",
                type: "TEXT",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Remedies",
                table: "Events");
        }
    }
}
