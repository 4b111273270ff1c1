// GORM over pgx: AutoMigrate, create, read, update, associations, transactions, batches.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	. "scenario"
)

type Country struct {
	Code string `gorm:"primaryKey;size:2"`
	Name string
}

type User struct {
	UserID  int64  `gorm:"primaryKey;autoIncrement:false"`
	Email   string `gorm:"size:100;index;not null"`
	Score   int    `gorm:"not null;default:0;check:score >= 0"`
	Country *string
	Photo   []byte
	Orders  []Order `gorm:"foreignKey:UserID"`
}

type Order struct {
	UserID  int64  `gorm:"primaryKey;autoIncrement:false"`
	OrderID string `gorm:"primaryKey;type:uuid;default:gen_random_uuid()"`
	Amount  string `gorm:"type:numeric(12,2)"`
}

type User2 struct {
	UserID int64  `gorm:"primaryKey;autoIncrement:false"`
	Nick   string `gorm:"default:none"`
}

func (User2) TableName() string { return "users" }

func oneLine(err error) string {
	if err == nil {
		return "no error"
	}
	return strings.Split(err.Error(), "\n")[0]
}

func migrate(db *gorm.DB) error {
	if err := db.Exec("CREATE TABLE countries (code varchar(2) PRIMARY KEY, name text) " + os.Getenv("REFERENCE")).Error; err != nil {
		return err
	}
	if err := db.AutoMigrate(&Country{}, &User{}, &Order{}); err != nil {
		return err
	}
	if err := db.AutoMigrate(&Country{}, &User{}, &Order{}); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	if err := db.AutoMigrate(&User2{}); err != nil {
		return fmt.Errorf("a column more: %w", err)
	}
	m := db.Migrator()
	Say("migrate", fmt.Sprint(m.HasTable(&User{}), m.HasColumn(&User2{}, "nick"), m.HasIndex(&User{}, "Email"), m.HasTable("nosuch")))
	types, err := m.ColumnTypes(&User{})
	for _, t := range types {
		length, _ := t.Length()
		null, _ := t.Nullable()
		Say("column "+t.Name(), fmt.Sprint(t.DatabaseTypeName(), " ", length, " ", null))
	}
	return err
}

func writing(db *gorm.DB) error {
	fr := "FR"
	if err := db.Create([]Country{{"FR", "France"}, {"DE", "Germany"}}).Error; err != nil {
		return err
	}
	for i := int64(1); i <= 20; i++ {
		u := User{UserID: i, Email: fmt.Sprint("u", i), Country: &fr, Photo: []byte{0, 255},
			Orders: []Order{{OrderID: fmt.Sprintf("00000000-0000-0000-0000-0000000000%02d", i), Amount: fmt.Sprint(i, ".25")}}}
		if err := db.Create(&u).Error; err != nil {
			return err
		}
	}
	var many []User
	for i := int64(100); i < 150; i++ {
		many = append(many, User{UserID: i, Email: fmt.Sprint("m", i)})
	}
	r := db.CreateInBatches(many, 20)
	Say("in batches", fmt.Sprint(r.RowsAffected, r.Error))
	o := Order{UserID: 1, Amount: "1"}
	r = db.Create(&o)
	Say("generated key", fmt.Sprint(len(o.OrderID), r.Error))
	r = db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}}, DoUpdates: clause.AssignmentColumns([]string{"email"})}).Create(&User{UserID: 1, Email: "again"})
	Say("upsert", fmt.Sprint(r.RowsAffected, r.Error))
	r = db.Clauses(clause.OnConflict{DoNothing: true}).Create(&User{UserID: 1, Email: "never"})
	Say("do nothing", fmt.Sprint(r.RowsAffected, r.Error))
	r = db.Model(&User{}).Where("score = ?", 0).Update("score", gorm.Expr("score + ?", 3))
	Say("update", fmt.Sprint(r.RowsAffected, r.Error))
	u := User{UserID: 5}
	r = db.Model(&u).Clauses(clause.Returning{}).Updates(map[string]any{"email": "changed"})
	Say("update returning", fmt.Sprint(u.Email, u.Score, r.Error))
	r = db.Delete(&User{}, "user_id > ?", 140)
	Say("delete", fmt.Sprint(r.RowsAffected, r.Error))
	Say("unique violation", oneLine(db.Create(&User{UserID: 2, Email: "twice"}).Error))
	return nil
}

func reading(db *gorm.DB) error {
	var u User
	Say("first", fmt.Sprint(db.First(&u, 7).Error, u.Email, u.Score, *u.Country, u.Photo))
	Say("not found", fmt.Sprint(errors.Is(db.First(&User{}, -1).Error, gorm.ErrRecordNotFound)))
	var users []User
	err := db.Preload("Orders").Where("user_id < ?", 5).Order("user_id").Find(&users).Error
	for _, u := range users {
		Say(fmt.Sprint("preload ", u.UserID), fmt.Sprint(u.Email, len(u.Orders), u.Orders[0].Amount))
	}
	if err != nil {
		return err
	}
	var rows []map[string]any
	err = db.Table("users").Select("users.user_id, amount::text, name").Joins("JOIN orders USING (user_id)").Joins("JOIN countries ON code = country").
		Where("users.user_id > ?", 1).Order("users.user_id").Limit(3).Offset(2).Find(&rows).Error
	Say("join over shards", fmt.Sprint(rows, err))
	var n int64
	err = db.Model(&User{}).Where("email LIKE ?", "u%").Count(&n).Error
	Say("count", fmt.Sprint(n, err))
	var emails []string
	err = db.Model(&User{}).Where("user_id IN ?", []int64{1, 5, 999}).Order("user_id").Pluck("email", &emails).Error
	Say("pluck", fmt.Sprint(emails, err))
	var groups []struct {
		Country string
		N       int64
	}
	err = db.Model(&User{}).Select("coalesce(country, '') AS country, count(*) AS n").Group("coalesce(country, '')").Order("n").Find(&groups).Error
	Say("group", fmt.Sprint(groups, err))
	seen := 0
	err = db.FindInBatches(&users, 7, func(*gorm.DB, int) error { seen += len(users); return nil }).Error
	Say("find in batches", fmt.Sprint(seen, err))
	err = db.Clauses(clause.Locking{Strength: "UPDATE"}).First(&User{}, 3).Error
	Say("locking", fmt.Sprint(err))
	return nil
}

func transactions(db *gorm.DB) error {
	err := db.Transaction(func(tx *gorm.DB) error {
		tx.Model(&User{}).Where("user_id IN ?", []int{1, 2}).Update("score", 1000)
		inner := tx.Transaction(func(tx *gorm.DB) error { return tx.Create(&User{UserID: 3, Email: "twice"}).Error })
		Say("savepoint", oneLine(inner))
		return tx.Model(&User{}).Where("user_id = ?", 3).Update("score", 1000).Error
	})
	var ids []int64
	db.Model(&User{}).Where("score = ?", 1000).Order("user_id").Pluck("user_id", &ids)
	Say("transactions", fmt.Sprint(ids, err))
	return nil
}

func back(db *gorm.DB) error {
	err := db.Migrator().DropTable(&Order{}, &User{}, &Country{})
	Say("dropped", fmt.Sprint(db.Migrator().HasTable(&User{}), err))
	return nil
}

func main() {
	for _, simple := range []bool{false, true} {
		db, err := gorm.Open(postgres.New(postgres.Config{DSN: "", PreferSimpleProtocol: simple}), &gorm.Config{Logger: logger.Discard, PrepareStmt: !simple})
		if err != nil {
			panic(err)
		}
		Say("connect", fmt.Sprint("simple protocol ", simple))
		for _, part := range []struct {
			name string
			run  func(*gorm.DB) error
		}{{"migrate", migrate}, {"writing", writing}, {"reading", reading}, {"transactions", transactions}, {"back", back}} {
			Part(fmt.Sprint(part.name, " simple ", simple), func() error { return part.run(db) })
		}
	}
}
